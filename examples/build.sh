#!/bin/bash
# Builds the example's WebAssembly from its C source, with DWARF for the source and
# none for libc: the linker's command that Zig uses for a program without debug
# information, except that it may keep the source's own.
# Needs Zig's C compiler: pip install ziglang==0.17.1
set -euo pipefail
cd "$(dirname "$0")"

zig() { python3 -m ziglang "$@"; }
library=$(zig env | sed -n 's/.*lib_dir[^/]*\(\/[^"]*\)".*/\1/p')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

zig cc -target wasm32-wasi -O2 -g -std=c11 -Wall -Wextra \
  -fdebug-prefix-map="$PWD"=. -fdebug-prefix-map="$library"=/zig \
  -c logreport.c -o "$work/logreport.o"
link=$(zig cc -target wasm32-wasi -O2 -s "$work/logreport.o" -o "$work/stripped.wasm" -v 2>&1 | grep '^wasm-ld ')
read -ra link <<<"${link/ -s / }"
zig "${link[@]}" -o logreport.wasm
chmod 644 logreport.wasm
