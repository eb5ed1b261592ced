#!/bin/sh
# What changed in the directory given as argument since the last time this ran there.
# CHECKSUM_FILE (default: checksums.txt) keeps the checksums from one time to the next.
# Exit codes: 0 nothing changed, 3 something did.
set -eu

tree=${1:?usage: checksum-tree.sh DIRECTORY}
known=${CHECKSUM_FILE:-checksums.txt}
now=$known.new
trap 'rm -f -- "$now"' EXIT

( cd -- "$tree" && find . -type f -exec sha256sum -- {} + ) > "$now"

if [ ! -e "$known" ]; then
    mv -- "$now" "$known"
    echo "first time: noted $(wc -l < "$known") files of $tree"
    exit 0
fi

changed=0
awk '
    { path = substr($0, length($1) + 3) }
    FILENAME == ARGV[1] { before[path] = $1; next }
    !(path in before) { print "added   " path; changes++ }
    path in before && before[path] != $1 { print "changed " path; changes++ }
    { files++; delete before[path] }
    END {
        for (path in before) { print "removed " path; changes++ }
        printf "%d files, %d changes\n", files, changes
        exit changes ? 3 : 0
    }
' "$known" "$now" || changed=$?

mv -- "$now" "$known"
exit "$changed"
