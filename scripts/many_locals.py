#!/usr/bin/env python3
"""Breakpoints and steps in functions with thousands of locals alive over thousands of joins.

many_locals.py SIDETRACK [LOCALSxIFS...]

For each size, on this machine and on Pulley: all operators that are executed are found by
single steps, the same on both; 250 random ones of them are breakpoints that must all stop;
and 1,000 steps, fifty each from twenty random places, must skip none. Prints what was missed
and skipped; fails if that is anything.
"""
import pathlib
import random
import re
import subprocess
import sys
import tempfile

BREAKPOINTS, PLACES, STEPS = 250, 20, 50


def program(count, ifs):
    """Each local is set and read at the end; each `if` reads one and sets another."""
    yield f'(module (memory 1) (func (export "run") (result i32) (local{" i32" * (count + 1)})'
    for n in range(1, count + 1):
        yield f"(local.set {n} (i32.add (i32.load (i32.const 0)) (i32.const {7 * n})))"
    for n in range(ifs):
        read, set_ = 1 + 37 * n % count, 1 + 91 * n % count
        yield f"(if (i32.and (local.get {read}) (i32.const 1))"
        yield f"  (then (i32.store (i32.const 4) (local.get {read}))) (else (local.set {set_} (i32.const {n}))))"
    for n in range(1, count + 1):
        yield f"(local.set 0 (i32.add (local.get 0) (local.get {n})))"
    yield "(local.get 0)))"


class Debugger:
    def __init__(self, command, folder, target, file):
        self.script = folder / "script"
        options = ["-x", self.script, "--batch", "--target", target, "--invoke", "run"]
        self.command = [command, "debug", *options, file]

    def stops(self, commands):
        """The wasm pcs at which the program stops."""
        self.script.write_text("\n".join(commands) + "\nkill\n")
        output = subprocess.run(self.command, capture_output=True, text=True).stdout
        return re.findall(r"^=> (0x[0-9a-f]+)", output, re.MULTILINE)


def check(command, folder, size):
    count, ifs = map(int, size.split("x"))
    file = folder / f"{size}.wat"
    file.write_text("\n".join(program(count, ifs)))
    reference, wrong = None, 0
    for target in ("native", "pulley64"):
        debugger = Debugger(command, folder, target, file)
        executed = debugger.stops(["start"] + ["stepi"] * (9 * count + 12 * ifs + 10))
        reference = reference or executed
        assert executed == reference and len(set(executed)) == len(executed), f"{size}: the targets differ"
        assert len(executed) > 9 * count + 7 * ifs, f"{size}: too few operators"

        chosen = [executed[at] for at in sorted(random.sample(range(1, len(executed)), BREAKPOINTS))]
        breakpoints = [f"break {pc}" for pc in chosen]
        hit = debugger.stops(["start"] + breakpoints + ["continue"] * (BREAKPOINTS + 1))[1:]
        missed = len(set(chosen) - set(hit))

        skipped = 0
        for at in random.sample(range(1, len(executed) - STEPS), PLACES):
            there = [f"tbreak {executed[at]}", "continue"]
            stops = debugger.stops(["start"] + there + ["stepi"] * STEPS)[1:]
            skipped += len(set(executed[at : at + STEPS + 1]) - set(stops))
        print(f"{size} {target}: {len(executed)} operators, {missed} breakpoints missed, {skipped} operators skipped", flush=True)
        wrong += missed + skipped
    return wrong


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    random.seed(1)
    sizes = sys.argv[2:] or ["300x300", "600x2000", "1000x1000", "2000x2000"]
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(any([check(sys.argv[1], pathlib.Path(folder), size) for size in sizes]))


main()
