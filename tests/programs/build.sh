#!/bin/sh
# Builds the programs of this folder from C (`pip install ziglang`). The results are kept in
# the repository, so that the tests need no compiler.
set -eu
cd "$(dirname "$0")"
for source in *.c; do
    python3 -m ziglang cc -target wasm32-wasi -Os -s -Wall -Wextra -o "${source%.c}.wasm" "$source"
done
