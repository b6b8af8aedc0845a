//! Families of programs that are large in one way each: what compiling them costs has to grow
//! about as the program does.
//!
//! Purpose: a service compiles what strangers send, and any quantity of a program can be as
//! large as its size permits. A family makes a program of its kind of size `n`, as text.
//! The test of this name counts the work of each pass; `shapes` in `bench/` has the times
//! and the memory, beside Wasmtime and Cranelift.

/// Programs that grow in one way.
pub struct Family {
    /// What they have many of.
    pub name: &'static str,
    /// The size that the test begins with.
    pub small: usize,
    /// The size that measurements begin with.
    pub large: usize,
    /// The text of the program of size `n`.
    pub text: fn(usize) -> String,
}

const fn family(name: &'static str, small: usize, large: usize, text: fn(usize) -> String) -> Family {
    Family { name, small, large, text }
}

/// WebAssembly modules.
pub const MODULES: &[Family] = &[
    family("additions", 200, 50_000, |n| repeated(n, ADD)),
    family("operands", 200, 50_000, |n| nested(n, "(i32.add (i32.mul (local.get 0) (local.get 1)) ", ")")),
    family("constants", 200, 25_000, constants),
    family("float constants", 200, 25_000, float_constants),
    family("divisions", 200, 25_000, |n| {
        repeated(n, "(local.set 0 (i32.div_s (local.get 0) (local.get 1)))")
    }),
    family("accesses", 200, 25_000, accesses),
    family("selects", 200, 25_000, |n| {
        repeated(
            n,
            "(local.set 0 (select (local.get 0) (local.get 1) (i32.lt_s (local.get 0) (i32.const 7))))",
        )
    }),
    family("conditions", 200, 50_000, |n| nested(n, "(i32.eqz ", ")")),
    family("calls", 100, 5_000, |n| repeated(n, "(local.set 0 (call 0 (local.get 0) (local.get 1)))")),
    family("operands over calls", 50, 1_000, |n| {
        nested(
            n,
            "(i32.add (i32.load offset=8 (i32.const 0)) (i32.xor (call 0 (local.get 0) (local.get 1)) ",
            "))",
        )
    }),
    family("ifs", 100, 2_500, |n| {
        repeated(n, &format!("(if (i32.and (local.get 0) (i32.const 4)) (then {ADD}))"))
    }),
    family("loops", 100, 2_500, |n| {
        repeated(n, &format!("(loop {ADD} (br_if 0 (i32.lt_s (local.get 0) (i32.const 9))))"))
    }),
    // From 500 blocks on their order is another, and so is what jumps cost.
    family("nested blocks", 400, 5_000, nested_blocks),
    family("branches out of all blocks", 400, 16_000, |n| {
        let outs = (0..n).map(|i| format!("(br_if {} (i32.eq (local.get 0) (i32.const {i})))", n - 1 - i));
        let ends: String = outs.map(|out| out + ")").collect();
        body(&format!("{}{ends}", "(block ".repeat(n)))
    }),
    family("nested loops", 100, 16_000, |n| within(n, "(loop ", &format!("{ADD})"))),
    family("nested loops with branches", 100, 4_000, |n| {
        within(n, "(loop ", &format!("{ADD} (br_if 0 (i32.lt_s (local.get 0) (i32.const 9))))"))
    }),
    family("table entries", 500, 25_000, |n| {
        let labels = (0..n).map(|i| format!("{} ", i % 3)).collect::<String>();
        body(&format!(
            "(block (block (block (br_table {labels} 2 (local.get 0))) (return (i32.const 1))) (return (i32.const 2)))"
        ))
    }),
    family("table arms that set locals", 100, 5_000, |n| {
        let locals = 20;
        let arm = |i: usize| {
            let (set, read) = (2 + i % locals, 2 + (7 * i + 3) % locals);
            let out = n - 1 - i;
            format!(") (local.set {set} (i32.add (local.get {read}) (i32.const {i}))) (br {out})")
        };
        let labels: String = (0..=n).map(|i| format!("{i} ")).collect();
        let arms: String = (0..n).map(arm).collect();
        let sum: String = (2..2 + locals)
            .map(|i| format!("(local.set 0 (i32.add (local.get 0) (local.get {i})))"))
            .collect();
        body(&format!(
            "(local {}) {}(br_table {labels}(local.get 0)){arms}) {sum}",
            "i32 ".repeat(locals),
            "(block ".repeat(n + 1)
        ))
    }),
    family("branches with a value", 300, 10_000, |n| {
        let out = |i| format!("(br_if 0 (local.get 0) (i32.eq (local.get 0) (i32.const {i}))) drop ");
        let outs: String = (0..n).map(out).collect();
        body(&format!("(local.set 0 (block (result i32) {outs}(local.get 1)))"))
    }),
    family("calls before branches with a value", 150, 5_000, |n| {
        let called = "(call 0 (local.get 0) (local.get 1))";
        let out = |i| format!("(br_if 0 {called} (i32.eq (local.get 0) (i32.const {i}))) drop ");
        let outs: String = (0..n).map(out).collect();
        body(&format!("(local.set 0 (block (result i32) {outs}(local.get 1)))"))
    }),
    family("locals", 50, 500, locals),
];

/// Functions in CLIF.
pub const FUNCTIONS: &[Family] = &[
    family("values", 200, 25_000, |n| {
        let insts = (0..n).map(|i| format!("v{} = imul v{i}, v0\n", i + 1)).collect::<String>();
        format!("function %f(i64) -> i64 {{\nblock0(v0: i64):\n{insts}return v{n}\n}}\n")
    }),
    family("blocks", 200, 10_000, blocks),
    family("blocks with parameters", 200, 10_000, |n| {
        let block =
            |i| format!("block{i}(v{i}: i64):\nbrif v{i}, block{}(v{i}), block{}(v0)\n", i + 1, i + 1);
        let chain = (1..n).map(block).collect::<String>();
        format!(
            "function %f(i64) -> i64 {{\nblock0(v0: i64):\njump block1(v0)\n{chain}block{n}(v{n}: i64):\nreturn v{n}\n}}\n"
        )
    }),
    family("jumps", 200, 25_000, |n| {
        let jumps = (1..n).map(|i| format!("block{i}:\njump block{}\n", i + 1)).collect::<String>();
        format!(
            "function %f(i64) -> i64 {{\nblock0(v0: i64):\njump block1\n{jumps}block{n}:\nreturn v0\n}}\n"
        )
    }),
    family("table blocks", 200, 5_000, table_blocks),
    family("global values", 200, 10_000, |n| {
        let chain = (1..n).map(|i| format!("gv{i} = iadd_imm.i64 gv{}, 8\n", i - 1)).collect::<String>();
        let last = n - 1;
        format!(
            "function %f(i64 vmctx) -> i64 {{\ngv0 = vmctx\n{chain}block0(v0: i64):\nv1 = global_value.i64 gv{last}\nreturn v1\n}}\n"
        )
    }),
    family("handlers", 100, 2_500, handlers),
    family("handlers of one call", 100, 2_500, handlers_of_one),
];

/// Functions in CLIF that only this code generator reads.
pub const SITES: &[Family] = &[family("sites", 200, 10_000, |n| {
    let sites = "call fn0(v0)\n".repeat(n);
    format!(
        "function %f(i64) -> i64 {{\nfn0 = colocated patchable %hook(i64) preserve_all\nblock0(v0: i64):\n{sites}return v0\n}}\n"
    )
})];

const ADD: &str = "(local.set 0 (i32.add (local.get 0) (i32.mul (local.get 1) (i32.const 7))))";

/// A module with one function of two parameters.
fn body(text: &str) -> String {
    format!("(module (memory 1) (func (export \"run\") (param i32 i32) (result i32) {text} (local.get 0)))")
}

fn repeated(n: usize, text: &str) -> String {
    body(&text.repeat(n))
}

/// The first local is set to an expression in `n` others.
fn nested(n: usize, before: &str, after: &str) -> String {
    body(&format!("(local.set 0 {}(local.get 1){})", before.repeat(n), after.repeat(n)))
}

/// Constructs in each other.
fn within(n: usize, before: &str, after: &str) -> String {
    body(&format!("{}{}", before.repeat(n), after.repeat(n)))
}

fn constants(n: usize) -> String {
    body(
        &(0..n)
            .map(|i| {
                let factor = 7919 * i % 2_147_483_647;
                format!(
                    "(local.set 0 (i32.xor (i32.mul (local.get 0) (i32.const {factor})) (i32.const {i})))"
                )
            })
            .collect::<String>(),
    )
}

fn float_constants(n: usize) -> String {
    let sum = (0..n)
        .map(|i| format!("(local.set 0 (f64.add (local.get 0) (f64.const {i}.5)))"))
        .collect::<String>();
    format!("(module (func (export \"run\") (param f64) (result f64) {sum} (local.get 0)))")
}

fn accesses(n: usize) -> String {
    body(
        &(0..n)
            .map(|i| {
                let (stored, loaded) = (4 * i % 60_000, 8 * i % 60_000);
                format!(
                    "(i32.store offset={stored} (local.get 1) (local.get 0)) \
                 (local.set 0 (i32.load offset={loaded} (local.get 1)))"
                )
            })
            .collect::<String>(),
    )
}

/// Each is left from the innermost one.
fn nested_blocks(n: usize) -> String {
    let labels = (0..n).map(|i| format!("{i} ")).collect::<String>();
    body(&format!(
        "{}(br_table {labels} 0 (local.get 0))){}",
        "(block ".repeat(n),
        format!("{ADD})").repeat(n - 1)
    ))
}

fn locals(n: usize) -> String {
    let each = |op: &str| {
        (0..n)
            .map(|i| {
                let next = i + 1;
                format!("(local.set {next} ({op} (local.get {i}) (local.get {next})))")
            })
            .collect::<String>()
    };
    let (sums, round) = (each("i32.add"), each("i32.xor"));
    format!(
        "(module (func (export \"run\") (param i32) (result i32) (local {}) {sums} (loop {round} (br_if 0 (local.get 1))) (local.get {n})))",
        "i32 ".repeat(n)
    )
}

/// Blocks in a row, each with a parameter.
fn blocks(n: usize) -> String {
    let blocks = (1..n)
        .map(|i| {
            let (sum, next) = (n + i, i + 1);
            format!("block{i}(v{i}: i64):\nv{sum} = iadd v{i}, v0\njump block{next}(v{sum})\n")
        })
        .collect::<String>();
    let last = 3 * n;
    format!(
        "function %f(i64) -> i64 {{\nblock0(v0: i64):\njump block1(v0)\n{blocks}block{n}(v{last}: i64):\nreturn v{last}\n}}\n"
    )
}

/// A table with as many targets as entries.
fn table_blocks(n: usize) -> String {
    let entries: Vec<String> = (1..=n).map(|i| format!("block{i}(v1)")).collect();
    let blocks = (1..=n)
        .map(|i| {
            let v = i + 1;
            format!("block{i}(v{v}: i64):\nreturn v{v}\n")
        })
        .collect::<String>();
    format!(
        "function %f(i32, i64) -> i64 {{\nblock0(v0: i32, v1: i64):\nbr_table v0, block1(v1), [{}]\n{blocks}}}\n",
        entries.join(", ")
    )
}

const CALLEE: &str = "sig0 = (i64) -> i64 system_v\nfn0 = %g(i64) -> i64 system_v\n";

/// Calls, each with a handler.
fn handlers(n: usize) -> String {
    let calls = (0..n)
        .map(|i| {
            let (block, handler, next) = (2 * i + 1, 2 * i + 2, 2 * i + 3);
            format!(
                "block{block}(v{block}: i64):\n\
                 try_call fn0(v{block}), sig0, block{next}(ret0), [ tag0: block{handler}(exn0) ]\n\
                 block{handler}(v{handler}: i64):\nreturn v{handler}\n"
            )
        })
        .collect::<String>();
    let last = 2 * n + 1;
    format!(
        "function %f(i64) -> i64 {{\n{CALLEE}block0(v0: i64):\njump block1(v0)\n{calls}block{last}(v{last}: i64):\nreturn v{last}\n}}\n"
    )
}

fn handlers_of_one(n: usize) -> String {
    let items: Vec<String> = (0..n).map(|i| format!("tag{i}: block{}(exn0)", i + 2)).collect();
    let blocks = (2..n + 2).map(|i| format!("block{i}(v{i}: i64):\nreturn v{i}\n")).collect::<String>();
    format!(
        "function %f(i64) -> i64 {{\n{CALLEE}block0(v0: i64):\ntry_call fn0(v0), sig0, block1(ret0), [ {} ]\nblock1(v1: i64):\nreturn v1\n{blocks}}}\n",
        items.join(", ")
    )
}
