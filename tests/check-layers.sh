#!/bin/sh
# SPDX-License-Identifier: MIT
# The folders may know only those below them: look at what they include and, since a declaration
# can be written by hand, at which symbols their archives want. Part of `make check`; runs in the
# build directory. It first shows itself two small trees that break the rules, so that a check
# which finds nothing because it looks at nothing is a failure too.
set -u
LC_ALL=C
export LC_ALL
src=${YMO_SRC:-.}
nm=${NM:-nm}
cc=${CC:-cc}

# What a folder may use of the others, itself left out. protocols/ is known to the reactor and to
# the supervisor through codec.h alone.
may_use() {
    case $1 in
    base) echo ;;
    config | request) echo base ;;
    protocols) echo request base ;;
    reactor) echo protocols request base ;;
    supervisor) echo reactor protocols request config base ;;
    pyworker) echo request base ;;
    esac
}
folders="base config request protocols reactor supervisor pyworker"

# Headers (extended regular expression) that none but the named folders may include.
foreign_headers='
<Python\.h>                       pyworker
<(structmember|frameobject)\.h>   pyworker
<ev\.h>                           reactor supervisor
<http_parser\.h>                  protocols
<yaml\.h>                         config
<(wolfssl|openssl)/               reactor
<(sys/socket|netdb)\.h>           reactor supervisor
<(netinet|arpa)/                  reactor supervisor config
<(pthread|unistd|fcntl|poll)\.h>  base config request reactor supervisor pyworker
<sys/(uio|stat|sendfile|epoll)\.h> base config request reactor supervisor pyworker
<CUnit/                           tests
'
# And symbols: pure codecs do no I/O and start no threads, Python calls stay in pyworker.
foreign_symbols='
^_?Py[A-Z_]                       pyworker
^ev_                              reactor supervisor
^http_parser_                     protocols
^yaml_                            config
^(wolfSSL|wc|EVP|RAND|OSSL)_        reactor
^(socket|bind|listen|accept4?|connect|recv|recvmsg|send|sendmsg)$  reactor supervisor
^(read|write|writev|open|open64|close|poll|pipe2?|eventfd)$        base config request reactor supervisor pyworker
^(pthread_(create|mutex|cond).*|clock_gettime|time)$               base request reactor supervisor pyworker
'

has_word() {
    case " $2 " in
    *" $1 "*) return 0 ;;
    esac
    return 1
}

# sources DIR FOLDER → its C files
sources() {
    find "$1/$2" -name '*.[ch]' -type f 2>/dev/null | sort
}

# check_includes TREE: a line for each #include that is not allowed
check_includes() {
    for folder in $folders; do
        allowed="$folder $(may_use "$folder")"
        for file in $(sources "$1" "$folder"); do
            name=${file#"$1"/}
            sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*\([<"][^>"]*[>"]\).*/\1/p' \
                "$file" | while read -r inc; do
                case $inc in
                '"config.h"') continue ;;
                '"../'* | '"./'*)
                    echo "$name: includes $inc, not written from the top of the tree"
                    continue
                    ;;
                '"'*/*)
                    path=${inc#\"}
                    path=${path%\"}
                    if ! has_word "${path%%/*}" "$allowed"; then
                        echo "$name: includes $inc, which $folder/ must not know"
                    elif [ "$folder" != protocols ] && [ "${path%%/*}" = protocols ] &&
                        [ "$path" != protocols/codec.h ]; then
                        echo "$name: includes $inc, and only protocols/codec.h is for others"
                    fi
                    continue
                    ;;
                '"'*)
                    echo "$name: includes $inc, not written from the top of the tree"
                    continue
                    ;;
                esac
                echo "$foreign_headers" | while read -r pattern who; do
                    [ -n "$pattern" ] || continue
                    if echo "$inc" | grep -Eq "^$pattern" && ! has_word "$folder" "$who"; then
                        echo "$name: includes $inc, which is for: $who"
                    fi
                done
            done
        done
    done
}

# symbols ARCHIVE CLASS: names of its global symbols, defined (D) or undefined (U)
symbols() {
    if [ "$2" = U ]; then
        $nm -g --undefined-only "$1" 2>/dev/null | awk '$1 == "U" || $1 == "w" { print $2 }'
    else
        $nm -g --defined-only "$1" 2>/dev/null | awk 'NF == 3 { print $3 }'
    fi | sed 's/@.*//' | sort -u
}

# check_symbols BUILD WORKDIR
check_symbols() {
    for folder in $folders; do
        archive=$1/$folder/lib$folder.a
        : >"$2/$folder.has"
        [ -f "$archive" ] || continue
        symbols "$archive" D >"$2/$folder.has"
        symbols "$archive" U | comm -23 - "$2/$folder.has" >"$2/$folder.wants"
    done
    for folder in $folders; do
        [ -s "$2/$folder.wants" ] || continue
        allowed=$(may_use "$folder")
        for other in $folders; do
            [ "$other" != "$folder" ] || continue
            has_word "$other" "$allowed" && continue
            comm -12 "$2/$folder.wants" "$2/$other.has" | while read -r sym; do
                echo "$folder/lib$folder.a: calls $sym of $other/, which it must not know"
            done
        done
        echo "$foreign_symbols" | while read -r pattern who; do
            [ -n "$pattern" ] || continue
            has_word "$folder" "$who" && continue
            grep -E "$pattern" "$2/$folder.wants" | while read -r sym; do
                echo "$folder/lib$folder.a: uses $sym, which is for: $who"
            done
        done
    done
}

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failed=0

# expect WHAT LISTING: the listing of a bad tree must name it
expect() {
    if ! grep -qF "$1" "$2"; then
        echo "check-layers does not notice: $1"
        failed=1
    fi
}

mkdir -p "$work/bad/base" "$work/bad/protocols/http1" "$work/bad/reactor" "$work/bad/request" \
    "$work/sym"
printf '#include "request/body.h"\n' >"$work/bad/base/up.c"
printf '#include <Python.h>\n#  include <ev.h>\n' >"$work/bad/protocols/http1/foreign.h"
printf '#include "protocols/http1/http1.h"\n#include "../x.h"\n' >"$work/bad/reactor/insides.c"
printf 'int\nymo_body_x(void);\nint\nymo_up(void)\n{\n    return ymo_body_x();\n}\n' \
    >"$work/bad/base/call.c"
printf 'int\nymo_body_x(void);\nvoid\nPy_Initialize(void);\nint\nymo_body_x(void)\n' \
    >"$work/bad/request/body.c"
printf '{\n    Py_Initialize();\n    return 0;\n}\n' >>"$work/bad/request/body.c"
check_includes "$work/bad" >"$work/seen"
for what in 'base/up.c: includes "request/body.h"' 'foreign.h: includes <Python.h>' \
    'foreign.h: includes <ev.h>' 'insides.c: includes "protocols/http1/http1.h"' \
    'insides.c: includes "../x.h"'; do
    expect "$what" "$work/seen"
done
for file in base/call request/body; do
    # shellcheck disable=SC2086 # CC may hold options
    $cc -c -o "$work/bad/$file.o" "$work/bad/$file.c" &&
        ar cr "$work/bad/${file%/*}/lib${file%/*}.a" "$work/bad/$file.o" || failed=1
done
check_symbols "$work/bad" "$work/sym" >"$work/seen"
expect 'calls ymo_body_x of request/' "$work/seen"
expect 'librequest.a: uses Py_Initialize' "$work/seen"

{
    check_includes "$src"
    rm -f "$work"/sym/*
    check_symbols . "$work/sym"
} >"$work/found"
if [ ! -s "$work/sym/base.has" ]; then
    echo "check-layers finds no symbols in base/libbase.a: run it in the build directory"
    failed=1
fi
if [ -s "$work/found" ]; then
    cat "$work/found"
    failed=1
fi
[ "$failed" = 0 ] && echo "layers: no folder knows what it must not know"
exit "$failed"
