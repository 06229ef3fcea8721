# SPDX-License-Identifier: MIT
# Pages that travel with the source, one a line. The manual page (docs/yimmo-wsgi.1) is installed.
dist_man_MANS = docs/yimmo-wsgi.1

EXTRA_DIST += \
	docs/architecture.md \
	docs/deployment.md \
	docs/fastcgi.md \
	docs/from-uwsgi.md \
	docs/front-ends.md \
	docs/front-ends/apache.md \
	docs/front-ends/caddy.md \
	docs/front-ends/h2o.md \
	docs/front-ends/haproxy.md \
	docs/front-ends/lighttpd.md \
	docs/front-ends/nginx.md \
	docs/front-ends/others.md \
	docs/http.md \
	docs/processes.md \
	docs/settings.md \
	docs/threads.md \
	docs/tls.md \
	docs/uwsgi.md \
	docs/wsgi.md
