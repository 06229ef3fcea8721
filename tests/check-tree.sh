#!/bin/sh
# SPDX-License-Identifier: MIT
# What every source file keeps to and no compiler looks at: the licence line, a bounded length, a
# name that occurs once in the tree. Part of `make check`. It first shows itself a bad tree.
set -u
LC_ALL=C
export LC_ALL
src=${YMO_SRC:-.}

# files TREE: what is written by hand, relative to the tree
files() {
    (cd "$1" && find main.c base config request protocols reactor supervisor pyworker tests contrib \
        m4 dev configure.ac Makefile.am .ci/run -type f 2>/dev/null) |
        grep -E '\.(c|h|py|sh|mk|m4|ac|am|supp)$|^(dev|\.ci/run)$' |
        grep -Ev '/(findings|corpus|__pycache__|libtool|lt)' | sort
}

# check TREE: a line for each fault
check() {
    files "$1" | while read -r file; do
        head -n 2 "$1/$file" | grep -q 'SPDX-License-Identifier: MIT' ||
            echo "$file: does not begin with its SPDX line"
        lines=$(wc -l <"$1/$file")
        [ "$lines" -le 600 ] || echo "$file: $lines lines, and 600 are the most"
    done
    # A header and its source share a name; two sources must not.
    for kind in c h; do
        files "$1" | grep "\.$kind\$" | sed 's|.*/||' | sort | uniq -d | while read -r name; do
            echo "$name: in more than one folder ($(files "$1" | grep "/$name\$" | tr '\n' ' '))"
        done
    done
}

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/base" "$work/request"
echo 'int x;' >"$work/base/plain.c"
cp "$work/base/plain.c" "$work/request/plain.c"
awk 'BEGIN { for (i = 0; i < 601; i++) print "/* SPDX-License-Identifier: MIT */" }' \
    >"$work/base/long.h"
if [ "$(check "$work" | grep -c -e '^base/plain.c: does not' -e '^base/long.h: 601 lines' \
    -e '^plain.c: in more than one folder')" != 3 ]; then
    echo "check-tree does not notice a bad tree:"
    check "$work"
    exit 1
fi

[ -f "$src/base/buf.h" ] || {
    echo "check-tree: no sources in $src"
    exit 1
}
check "$src" >"$work/found"
if [ -s "$work/found" ]; then
    cat "$work/found"
    exit 1
fi
echo "tree: every file is licensed, of bounded length and named once"
