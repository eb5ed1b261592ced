#!/bin/sh
# A slow job that tells how far it is: a line "::progress PERCENT TEXT" moves the bar on the page.
# STEPS (default: 10) and STEP_SECONDS (default: 2) say how slow.
set -eu

steps=${STEPS:-10}
step=0
trap 'echo "stopped after step $step of $steps" >&2; exit 143' TERM

while [ "$step" -lt "$steps" ]; do
    echo "::progress $((step * 100 / steps)) step $((step + 1)) of $steps"
    sleep "${STEP_SECONDS:-2}"
    step=$((step + 1))
    echo "step $step done"
done
echo "::progress 100 all steps done"
