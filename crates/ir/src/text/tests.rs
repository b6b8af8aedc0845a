use super::*;

const EVERYTHING: &str = r#"
test run
set opt_level=speed
target x86_64 has_avx

; before
function %"odd name"(i32 uext, i64 vmctx, f64) -> i32, i8 system_v {
    ss0 = explicit_slot 16, align = 8, key = 3
    region0 = 7 "the heap"
    gv0 = vmctx
    gv1 = load.i64 notrap aligned gv0+8
    gv2 = iadd_imm.i64 gv1, -3
    gv3 = symbol colocated %data+4
    sig0 = (i32) -> i32 tail
    fn0 = colocated patchable %hook(i64) preserve_all ; a hook
    fn1 = %f sig0
    fn2 = u0:7(i64, i64) -> i64 patchable

block0(v0: i32, v1: i64, v2: f64):
    v3 = iadd_imm v0, 1_000
    v4 = band_not v0, v3
    v5 -> v4
@0042 v6 = load.i32 notrap aligned region0 v1+16
    store little user1 v6, v1-8
    v7 = icmp_imm ult v0, 0xff
    call fn0(v1), tag 7, init off
    v8 = call fn1(v0)
    v9 = patchable_call fn2(v1, v20), tag 9, off v20
    v10 = call_indirect patchable sig0, v1(v0), tag 3
    v11 = f32const -0x1.8p3
    v12 = f64const +NaN:0x1
    v13 = stack_load.i32 ss0+4
    stack_store v13, ss0
    v14, v15 = sadd_overflow v0, v3
    v16 = atomic_rmw.i32 little add v1, v0
    v17 = atomic_cas big v1, v0, v16
    v20 = iconst.i64 -1
    trapz v0, int_divz
    br_table v0, block1(v4), [block2, block1(v0), block2]

block1(v21: i32):
    brif v21, block2, block1(v21)

block2 cold:
    try_call fn1(v0), sig0, block3(ret0, v7), [ tag1: block3(v0, v7), context v1, default: block4(exn0) ]

block3(v22: i32, v23: i8):
    return v22, v23

block4(v24: i64):
    trap user65
}
; run: %x(1) == 2
"#;

#[test]
fn reading_what_was_written_gives_the_same() {
    let file = parse_test(EVERYTHING).unwrap();
    assert_eq!(file.commands[0].name, "run");
    assert_eq!(file.targets[0].flags, ["has_avx"]);
    assert_eq!(file.preamble_comments[0].text, "before");
    let texts: Vec<&str> = file.functions[0].comments.iter().map(|c| c.text.as_str()).collect();
    assert_eq!(texts, ["a hook", "run: %x(1) == 2"]);
    let once = file.functions[0].func.to_string();
    let again = parse_functions(&once).unwrap_or_else(|error| panic!("{error}\n{once}"));
    assert_eq!(again[0].to_string(), once);
    for part in [
        "patchable_call fn2(v1, v20), tag 9, off v20",
        "v5 -> v4",
        "block2 cold:",
        "@0042 v6 = load.i32 notrap",
    ] {
        assert!(once.contains(part), "{part}\n{once}");
    }
}

/// What one line of text says survives writing and reading.
#[test]
fn attributes_survive() {
    for (preamble, body, part) in [
        (
            "fn0 = colocated %f(i32) fast\n sig0 = (i32) tail\n fn1 = %g sig0",
            "call fn0(v0)\n return",
            "sig0 = (i32) tail",
        ),
        ("fn0 = %f(i64)\n sig7 = (i32)\n fn1 = %g sig7", "call fn1(v0)\n return", "fn0 = %f sig8"),
        (
            "sig0 = (i32)\n fn0 = colocated %f sig0",
            "try_call fn0(v0), tag 0, sig0, block1, []\nblock1:\n return",
            "try_call fn0(v0), tag 0, sig0, block1, []",
        ),
        (
            "sig0 = (i32)\n fn0 = colocated patchable %f sig0",
            "try_call fn0(v0), sig0, block1, []\nblock1:\n return",
            "try_call fn0(v0), sig0, block1, []",
        ),
    ] {
        let text = format!("function %t(i32) {{\n {preamble}\nblock0(v0: i32):\n {body}\n}}\n");
        let read = |text: &str| parse_functions(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let func = read(&text).remove(0);
        let once = func.to_string();
        assert!(once.contains(part), "{part}\n{once}");
        let again = read(&once).remove(0);
        assert_eq!(again.to_string(), once);
        let patchable = |func: &Function| {
            let insts = func.dfg.insts.keys().filter(|&inst| func.dfg.is_patchable(inst));
            insts.count()
        };
        assert_eq!(patchable(&again), patchable(&func), "{once}");
    }
}

/// CLIF beyond the subset is told from text that is no CLIF.
#[test]
fn beyond_the_subset() {
    for (preamble, body) in [
        ("stack_limit = gv0", "return"),
        ("", "v1 = isplit v0\n return"),
        ("fn0 = %f(i32)", "call fn0(v0), stack_map=[i32 @ ss0+0]\n return"),
        ("", "v1 ! range(32, 0, 1) = iconst.i32 1\n return"),
        ("", "<[1]> v1 = iconst.i32 1\n return"),
        ("", "sequence_point <[1]>\n return"),
    ] {
        let text = format!("function %t(i32) {{\n {preamble}\nblock0(v0: i32):\n {body}\n}}\n");
        let error = parse_functions(&text).unwrap_err();
        assert!(error.unsupported, "{error}\n{text}");
    }
    let error = parse_functions("function %t(i32) {\nblock0(v0 ! max(32, 1): i32):\n return\n}").unwrap_err();
    assert!(error.unsupported, "{error}");
}

/// A long chain of aliases takes time in proportion to its length.
#[test]
fn alias_chains() {
    let mut text = "function %t(i32) -> i32 {\nblock0(v0: i32):\n".to_string();
    for n in 0..100_000 {
        text += &format!("    v{} -> v{n}\n", n + 1);
    }
    text += "    return v100000\n}\n";
    let start = std::time::Instant::now();
    let func = parse_functions(&text).unwrap().remove(0);
    crate::verifier::verify(&func).unwrap();
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
}

#[test]
fn errors_name_line_and_entity() {
    let body = |text: &str| format!("function %f(i32) -> i32 {{\nblock0(v0: i32):\n{text}\n}}\n");
    for (text, line, part) in [
        ("    return v1", 3, "v1 is not defined"),
        ("    v0 = iconst.i32 1\n    return v0", 3, "v0 is defined twice"),
        ("    jump block7", 3, "block7 is not defined"),
        ("    v1 = iconst.i8 256\n    return v0", 3, "`256` does not fit 8 bits"),
        ("    v1 = frobnicate v0\n    return v1", 3, "unknown instruction `frobnicate`"),
        ("    v1 = call fn3(v0)\n    return v1", 3, "fn3 is not declared"),
        ("    v1 = iadd v2, v0\n    v2 = iadd v1, v0\n    return v1", 3, "depends on itself"),
        ("    v1 -> v1\n    return v1", 3, "depends on itself"),
        ("    v1, v2 = iadd v0, v0\n    return v1", 3, "has 1 results, but 2 are named"),
        ("    v4294967295 = iadd v0, v0\n    return v0", 3, "too large"),
        ("    v1 = load.i32 v0+99999999999\n    return v1", 3, "does not fit 32 bits"),
        ("    return v0", 5, "expected `function`, found `x`"),
    ] {
        let mut text = body(text);
        if line == 5 {
            text.push('x');
        }
        let error = parse_functions(&text).unwrap_err();
        assert!(error.message.contains(part) && error.line == line, "{error} for {text}");
    }
    for text in [
        "function %f(i128) {\nblock0(v0: i128):\n return\n}",
        "function %f() {\nblock0:\n trap unreachable\n}",
        "function %f() swift {\nblock0:\n return\n}",
        "function %f() {\n stack_limit = gv0\nblock0:\n return\n}",
        "function %f() {\nblock0:\n <1, 2> nop\n return\n}",
        "function %f() {\n fn0 = %g()\nblock0:\n call fn0(), stack_map=[i32 @ ss0+0]\n return\n}",
    ] {
        let error = parse_functions(text).unwrap_err();
        assert!(error.unsupported, "{error} for {text}");
    }
}

/// Text cut, mutated and made of noise is refused with a line, never with a panic;
/// what is taken nevertheless survives writing and reading.
#[test]
fn malformed_text_is_refused() {
    let mut state: u64 = 42;
    let mut random = move |n: usize| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize % n.max(1)
    };
    let end = std::time::Instant::now() + std::time::Duration::from_secs(1);
    let pieces = [
        "v0",
        "block0",
        "(",
        ")",
        "{",
        "}",
        "99999999999999999999",
        "0x",
        "->",
        "%",
        "\"",
        "é",
        "@",
        "-",
        "[",
        "v1048577",
        "ss0",
    ];
    while std::time::Instant::now() < end {
        let mut text = EVERYTHING.as_bytes().to_vec();
        for _ in 0..1 + random(4) {
            let at = random(text.len());
            match random(4) {
                0 => text.truncate(at),
                1 => {
                    let piece = pieces[random(pieces.len())].as_bytes();
                    text.splice(at..at, piece.iter().copied());
                }
                2 => {
                    let to = (at + random(12)).min(text.len());
                    text.drain(at..to);
                }
                _ if at < text.len() => text[at] = random(256) as u8,
                _ => {}
            }
        }
        let Ok(file) = parse_test(&String::from_utf8_lossy(&text)) else { continue };
        for ParsedFunction { func, source, .. } in &file.functions {
            // What was taken can be checked, and written as text that says the same.
            if let Err(errors) = crate::verifier::verify(func) {
                let _ = errors.with_lines(source);
            }
            let once = func.to_string();
            let again = parse_functions(&once).unwrap_or_else(|error| panic!("{error}\n{once}"));
            assert_eq!(again[0].to_string(), once);
        }
    }
}
