#!/bin/sh
# Breakpoints and steps in functions with thousands of locals alive over thousands of joins, on
# this machine and on Pulley: 250 random executed operators and 1,000 random steps of each size.
# Prints how long each size takes; fails if a breakpoint is missed or a step skips an operator.
#
# many_locals.sh [LOCALSxIFS...]
set -eu
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- 300x300 600x2000 1000x1000 2000x2000
cargo test --release -p sidetrack-oracle --test many_locals --no-run
for size; do
    start=$(date +%s)
    SIDETRACK_MANY_LOCALS=$size cargo test --quiet --release -p sidetrack-oracle --test many_locals
    echo "$size: no breakpoint missed, no operator skipped; $(($(date +%s) - start)) s"
done
