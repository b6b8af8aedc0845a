#!/usr/bin/env python3
"""Programs that are large in one way: processor time and peak memory of compiling them, at n and 4n.

    scripts/shapes.py [-k NAME] SIDETRACK WASMTIME

Both are paths of commands. Each program is compiled once, with sites and without, and by the
other; what grows more than 5 times, takes more than 3 times the other's time or 2 times its
memory is marked. `shapes` in bench/ does the same within one process, without the commands'
own time, and has functions in CLIF beside Cranelift.
"""

import argparse
import os
import resource
import tempfile


def body(text, local="i32"):
    return (f'(module (memory 1) (func (export "run") (param {local} {local}) (result {local}) '
            f"{text} (local.get 0)))")


def repeated(text):
    return lambda n: body(text * n)


def nested(before, after):
    return lambda n: body("(local.set 0 " + before * n + "(local.get 1)" + after * n + ")")


def br_table(n):
    labels = " ".join(str(i % 3) for i in range(n))
    return body(f"(block (block (block (br_table {labels} 2 (local.get 0))) (return (i32.const 1))) "
                "(return (i32.const 2)))")


def table_arms(n):
    labels = " ".join(map(str, range(n + 1)))
    arms = "".join(f") (local.set {2 + i % n} (i32.add (local.get {2 + (7 * i + 3) % n}) (i32.const {i}))) (br {n - 1 - i})"
                   for i in range(n))
    total = "".join(f"(local.set 0 (i32.add (local.get 0) (local.get {i})))" for i in range(2, n + 2))
    return body(f"(local {'i32 ' * n}) {'(block ' * (n + 1)}(br_table {labels} (local.get 0)){arms}) {total}")


def branches_with(value):
    def text(n):
        outs = "".join(f"(br_if 0 {value} (i32.eq (local.get 0) (i32.const {i}))) drop " for i in range(n))
        return body(f"(local.set 0 (block (result i32) {outs}(local.get 1)))")

    return text


def constants(n):
    return body("".join(f"(local.set 0 (i32.xor (i32.mul (local.get 0) (i32.const {7919 * i}))"
                        f" (i32.const {i})))" for i in range(n)))


def far_constants(n):
    return body("".join(f"(local.set 0 (i64.xor (i64.mul (local.get 0) (local.get 1))"
                        f" (i64.const {i << 40})))" for i in range(n)), "i64")


def accesses(n):
    return body("".join(f"(i32.store offset={4 * i % 60000} (local.get 1) (local.get 0))"
                        f"(local.set 0 (i32.load offset={8 * i % 60000} (local.get 1)))" for i in range(n)))


def nested_blocks(n):
    outs = "".join(f"(br_if {i} (i32.eq (local.get 0) (i32.const {i})))" for i in range(n))
    return body("(block " * n + outs + ")" * n)


def branches_to_the_outermost(n):
    outs = "".join(f"(br_if {n - 1 - i} (i32.eq (local.get 0) (i32.const {i}))))" for i in range(n))
    return body("(block " * n + outs)


def loaded_locals(n):
    loads = "".join(f"(local.set {i + 1} (i32.load offset={4 * i % 60000} (local.get 0)))" for i in range(n))
    sums = "".join(f"(local.set 0 (i32.xor (local.get 0) (local.get {i + 1})))" for i in range(n))
    return ('(module (memory 1) (func (export "run") (param i32) (result i32) (local ' + "i32 " * n + ")" +
            loads + sums + "(local.get 0)))")


def locals_(n):
    each = lambda op: "".join(f"(local.set {i + 1} ({op} (local.get {i}) (local.get {i + 1})))"
                              for i in range(n))
    return ('(module (func (export "run") (param i32) (result i32) (local ' + "i32 " * n + ")" +
            each("i32.add") + "(loop " + each("i32.xor") + f"(br_if 0 (local.get 1))) (local.get {n})))")


def locals_over_calls(n):
    """n locals alive over n calls: four times as many pairs for twice n."""
    sets = "".join(f"(local.set {i + 1} (i32.add (local.get {i}) (i32.const {i})))" for i in range(n))
    sums = "".join(f"(local.set 0 (i32.xor (local.get 0) (local.get {i + 1})))" for i in range(n))
    return ('(module (func $g (param i32) (result i32) (local.get 0)) (func (export "run") (param i32)'
            " (result i32) (local " + "i32 " * n + ")" + sets + "(local.set 0 (call $g (local.get 0)))" * n +
            sums + "(local.get 0)))")


def wide_calls(n):
    """n calls with n parameters and n results."""
    gets = "".join(f"(local.get {i})" for i in range(n))
    kind = f'(param {"i32 " * n}) (result {"i32 " * n})'
    return f'(module (func (export "run") {kind} {gets} {"(call 0)" * n}))'


def loads_and_calls(n):
    loads = "".join(f"(i32.load offset={4 * i % 60000} (local.get 0)) (call $g)" for i in range(n))
    return ('(module (memory 1) (func $g) (func (export "run") (param i32) (result i32) ' + loads +
            "(i32.add)" * (n - 1) + "))")


def handlers(n):
    return ('(module (tag $e) (func $g) (func (export "run") (param i32 i32) (result i32) ' +
            "(block (try_table (catch $e 0) (call $g)))" * n + "(local.get 0)))")


ADD = "(local.set 0 (i32.add (local.get 0) (i32.const 1)))"
AGAIN = "(br_if 0 (i32.lt_s (local.get 0) (i32.const 9)))"

# Name, n, how much more there is for 4n in place of n, the text.
FAMILIES = [
    ("additions", 50_000, 4, repeated("(local.set 0 (i32.add (local.get 0) (i32.mul (local.get 1) (i32.const 7))))")),
    ("tree of additions", 75_000, 4, nested("(i32.add (i32.mul (local.get 0) (local.get 1)) ", ")")),
    ("operand stack", 75_000, 4, lambda n: body("(local.get 0)" * n + "(i32.add)" * (n - 1) + "(local.set 0)")),
    ("constants", 25_000, 4, constants),
    ("colliding constants", 20_000, 4, far_constants),
    ("divisions", 50_000, 4, repeated("(local.set 0 (i32.div_s (local.get 0) (local.get 1)))")),
    ("accesses", 25_000, 4, accesses),
    ("selects", 20_000, 4, repeated("(local.set 0 (select (local.get 0) (local.get 1) (i32.lt_s (local.get 0) (i32.const 7))))")),
    ("calls", 5_000, 4, repeated("(local.set 0 (call 0 (local.get 0) (local.get 1)))")),
    ("loads, a call after each", 2_500, 4, loads_and_calls),
    ("operands over calls", 2_500, 4, nested("(i32.add (i32.load (i32.const 0)) (i32.xor (call 0 (local.get 0) (local.get 1)) ", "))")),
    ("ifs", 5_000, 4, repeated(f"(if (i32.and (local.get 0) (i32.const 4)) (then {ADD}))")),
    ("loops", 5_000, 4, repeated(f"(loop {ADD} {AGAIN})")),
    ("nested loops", 16_000, 4, lambda n: body("(loop " * n + ADD + ")" * n)),
    ("nested loops, branches", 4_000, 4, lambda n: body(("(loop " + ADD) * n + (AGAIN + ")") * n)),
    ("branches out of blocks", 4_000, 4, nested_blocks),
    ("branches out of all blocks", 16_000, 4, branches_to_the_outermost),
    ("table entries", 25_000, 4, br_table),
    ("table arms that set locals", 250, 16, table_arms),
    ("branches with a value", 10_000, 4, branches_with("(local.get 0)")),
    ("branches with a constant", 10_000, 4, branches_with("(i32.const 0)")),
    ("calls before branches with a value", 2_500, 4, branches_with("(call 0 (local.get 0) (local.get 1))")),
    ("handlers", 5_000, 4, handlers),
    ("locals alive at once", 5_000, 4, locals_),
    ("locals loaded and added up", 10_000, 4, loaded_locals),
    ("locals over calls", 250, 16, locals_over_calls),
    ("wide calls", 125, 16, wide_calls),
]


def cost(command, limit):
    """Seconds of processor time and mebibytes of a command, or None."""
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (1, 2):
            os.dup2(null, stream)
        os.execv(command[0], command)
    _, status, usage = os.wait4(child, 0)
    return None if status else (usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def show(cost):
    return "failed" if cost is None else f"{cost[0]:.2f} s {cost[1]:.0f} MB"


def remarks(costs, before, more):
    theirs = costs[2]
    for name, cost, less in zip(("with sites", "without"), costs, before or (None, None)):
        if cost is None:
            yield f"{name}: failed"
            continue
        # Below 50 ms and 16 MB there is more of the command itself.
        for what, unit, here, limit, least in (("time", 0, theirs, 3, 0.05), ("memory", 1, theirs, 2, 16),
                                               ("time of n", 0, less, more * 1.25, 0.05),
                                               ("memory of n", 1, less, more * 1.25, 16)):
            if here and cost[unit] > here[unit] * limit and cost[unit] - here[unit] > least:
                yield f"{name}: {cost[unit] / here[unit]:.1f} times the {what}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-k", metavar="NAME", default="", help="only families whose names contain this")
    parser.add_argument("-t", metavar="SECONDS", type=int, default=120, help="of processor time for each")
    parser.add_argument("sidetrack")
    parser.add_argument("wasmtime")
    args = parser.parse_args()
    print("| program | n | with sites | without | Wasmtime | |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        path, out = (os.path.join(folder, name) for name in ("in.wat", "out"))
        for name, size, more, text in FAMILIES:
            if args.k not in name:
                continue
            before = None
            for n in (size, size * 4):
                with open(path, "w") as file:
                    file.write(text(n))
                costs = [cost([args.sidetrack, "compile", *options, "-o", out, path], args.t)
                         for options in ([], ["--instrument", "off"])]
                costs.append(cost([args.wasmtime, "compile", "-C", "cache=n", "-o", out, path], args.t))
                marks = "; ".join(remarks(costs, before, more))
                print(f"| {name} | {n:,} | {' | '.join(map(show, costs))} | {marks} |", flush=True)
                before = costs


main()
