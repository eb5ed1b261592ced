#!/bin/sh
# How full the file systems are that hold the paths given as arguments (default: /).
# Fails when one of them is fuller than DISK_LIMIT_PERCENT (default: 90).
set -eu

[ $# -gt 0 ] || set -- /
table=$(df -P -k -- "$@")

printf '%s\n' "$table" | awk -v limit="${DISK_LIMIT_PERCENT:-90}" '
    NR == 1 { next }
    {
        percent = $5 + 0
        full = percent > limit + 0
        failed += full
        printf "%s %3d %% used, %.1f GiB free on %s\n", full ? "FULL" : "ok  ", percent, $4 / 1048576, $6
    }
    END { exit failed > 0 }
'
