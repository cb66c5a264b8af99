#!/bin/sh
# A compiler launcher: runs "COMPILER ... -o OBJECT ..." and moves what ptxas says about its kernels (-Xptxas=-v) from the
# screen to OBJECT.ptxas, which tools/ptxas_table.py reads.
previous='' object=''
for argument in "$@"; do
    [ "$previous" = -o ] && object=$argument
    previous=$argument
done
messages=$(mktemp)
trap 'rm -f "$messages"' EXIT
"$@" 2>"$messages"
status=$?
ptxas='^ptxas info|^ +[0-9]+ bytes stack frame'
grep -E "$ptxas" "$messages" >"$object.ptxas"
grep -Ev "$ptxas" "$messages" >&2
exit $status
