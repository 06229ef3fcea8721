# SPDX-License-Identifier: MIT
# Everything under contrib/ travels with the source, one file a line.
EXTRA_DIST += \
	contrib/apache/yimmo-wsgi-fastcgi.conf \
	contrib/apache/yimmo-wsgi-uwsgi.conf \
	contrib/apache/yimmo-wsgi.conf \
	contrib/caddy/Caddyfile \
	contrib/certbot/reload-yimmo-wsgi \
	contrib/container/Dockerfile \
	contrib/container/Dockerfile.dockerignore \
	contrib/container/compose.yml \
	contrib/demo/demo.py \
	contrib/h2o/h2o.conf \
	contrib/haproxy/haproxy.cfg \
	contrib/kubernetes/yimmo-wsgi.yml \
	contrib/lighttpd/yimmo-wsgi-uwsgi.conf \
	contrib/lighttpd/yimmo-wsgi.conf \
	contrib/nginx/yimmo-wsgi-fastcgi.conf \
	contrib/nginx/yimmo-wsgi-uwsgi.conf \
	contrib/nginx/yimmo-wsgi.conf \
	contrib/systemd/hello.yml \
	contrib/systemd/tls.conf \
	contrib/systemd/yimmo-wsgi@.service \
	contrib/systemd/yimmo-wsgi@.socket

bashcompletiondir = $(datadir)/bash-completion/completions
dist_bashcompletion_DATA = contrib/completion/yimmo-wsgi.bash
