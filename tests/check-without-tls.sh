#!/bin/sh
# SPDX-License-Identifier: MIT
# What a server says that was built without wolfSSL: it has no TLS, and serves nothing in its place.
# Part of `make check`, which links the program for it.
set -u
LC_ALL=C
export LC_ALL
program=${YMO_WITHOUT_TLS:-tests/without-tls}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failed=0

# refuses TEXT ARGUMENTS…: with status 2, before anything is served, saying TEXT
refuses() {
    text=$1
    shift
    for check in "" --check-config; do
        # shellcheck disable=SC2086
        timeout 20 "$program" app:app --host 127.0.0.1 --port 0 "$@" $check >"$work/out" 2>&1
        status=$?
        if [ "$status" != 2 ] || ! grep -q -- "$text" "$work/out" ||
            grep -q -e listening -e 'is good' "$work/out"; then
            echo "$program $* $check: ended with $status, and said:"
            cat "$work/out"
            failed=1
        fi
    done
}

cert="$work/cert.pem"
key="$work/key.pem"
refuses "$cert.*no TLS" --tls-cert "$cert" --tls-key "$key"
refuses "$cert.*no TLS" --tls-cert "$cert" --tls-key "$key" --protocol http
refuses "https://127.0.0.1:0.*no TLS" --tls-cert "$cert" --tls-key "$key" \
    --bind https://127.0.0.1:0
refuses certificate --protocol https

"$program" --version >"$work/out" 2>&1
grep -q 'no TLS' "$work/out" || {
    echo "--version does not say that there is no TLS:"
    cat "$work/out"
    failed=1
}
[ "$failed" = 0 ] && echo "a server without TLS refuses what asks for it"
exit "$failed"
