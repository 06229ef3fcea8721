# SPDX-License-Identifier: MIT
# Everything under contrib/ travels with the source, one file a line.
EXTRA_DIST += \
	contrib/completion/yimmo-wsgi.bash \
	contrib/demo/demo.py
