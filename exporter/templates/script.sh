#!/bin/sh
# What this script is for, in a line.
# Exit codes: 0 done, anything else failed.
set -eu    # stop at the first command that fails, and at a variable that is not set

scratch=$(mktemp -d)
trap 'rm -rf -- "$scratch"' EXIT
trap 'exit 143' TERM    # "stop" and a timeout send this: clean up, then end

echo "::progress 0 looking"    # shown on the page as a bar
date -u > "$scratch/began"

echo "::progress 50 working"
printf 'began %s\n' "$(cat -- "$scratch/began")"

echo "::progress 100 done"
