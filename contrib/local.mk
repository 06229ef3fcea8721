# SPDX-License-Identifier: MIT
# Everything under contrib/ travels with the source, one file a line.
EXTRA_DIST += \
	contrib/demo/demo.py

bashcompletiondir = $(datadir)/bash-completion/completions
dist_bashcompletion_DATA = contrib/completion/yimmo-wsgi.bash
