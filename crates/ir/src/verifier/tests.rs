use super::verify;
use crate::text::parse_test;
use crate::types::I64;
use crate::{
    CallConv, ExternalName, Extra, Function, Inst, MemFlags, Opcode, Signature, SiteInfo, Type, Value,
    ValueDef,
};

/// What stands in the preamble and the blocks of a function; where the error is;
/// what it says.
#[test]
fn each_rule() {
    let cases: &[(&str, &str, u32, &str)] = &[
        ("", "v1 = iadd v0, v0\n return v1", 0, ""),
        ("", "v1 = iadd v0, v9\n return v1", 5, "v9"),
        ("", "v1 = stack_addr.i64 ss0\n return v0", 5, "ss0 does not exist"),
        ("ss0 = explicit_slot 4", "v1 = stack_addr.i64 ss0+5\n return v0", 5, "outside of ss0"),
        ("gv0 = vmctx", "return v0", 3, "no parameter of the function is vmctx"),
        ("", "v1 = iconst.i64 1\n v2 = iadd v0, v1\n return v2", 6, "v1 has type i64, expected i32"),
        ("", "v1 = bswap.i8 v0\n return v0", 5, "cannot have type i8"),
        ("", "v1 = uextend.i32 v0\n return v1", 5, "which is invalid here"),
        ("", "jump block1\nblock1:\n jump block0(v0)", 7, "entry block"),
        ("", "v1 = iconst.i32 1", 4, "block0 is not terminated"),
        ("", "return v0\n return v0", 5, "a terminator before the end"),
        ("", "jump block1\nblock1:\n v2 = iadd v1, v0\n v1 = iadd v0, v0\n return v2", 7, "non-dominating"),
        ("", "jump block1(v0, v0)\nblock1(v1: i32):\n return v1", 5, "got 2, expected 1"),
        ("", "jump block1(v0)\nblock1(v1: i64):\n return v0", 5, "v0 has type i32, but v1 expected i64"),
        ("", "return", 5, "got 0 return values, expected 1"),
        ("fn0 = %f(i32)", "call fn0()\n return v0", 5, "got 0 arguments, expected 1"),
        ("fn0 = %f(i32) -> i32 tail", "return_call fn0(v0)", 5, "convention `tail`"),
        ("fn0 = patchable %f() preserve_all", "call fn0()\n return v0", 5, "colocated, but fn0 is not"),
        ("fn0 = %f() preserve_all", "patchable_call fn0()\n return v0", 5, "colocated, but fn0 is not"),
        ("fn0 = colocated %f() -> i64 preserve_all", "return v0", 2, "preserve_all signature has no return"),
        ("sig0 = (i32) -> i32, i32 preserve_all", "return v0", 3, "preserve_all signature has no return"),
        (
            "fn0 = colocated patchable %f(i32) -> i32 fast",
            "v1 = call fn0(v0)\n return v1",
            5,
            "no results but pass-through",
        ),
        (
            "fn0 = colocated %f(i32, i32) -> i32 preserve_all",
            "v1 = iadd v0, v0\n v2 = patchable_call fn0(v0, v1), off v1\n return v2",
            6,
            "returns them in the registers of arguments [0]",
        ),
        (
            "fn0 = colocated %f(i32, i64) -> i32 preserve_all",
            "v1 = uextend.i64 v0\n v2 = patchable_call fn0(v0, v1), off v1\n return v2",
            6,
            "tied to v1, which has type i64",
        ),
        ("fn0 = colocated patchable %f(i32) -> i32 tail", "return_call fn0(v0)", 5, "never patchable"),
        (
            "",
            "brif v0, block1(ret0), block1(v0)\nblock1(v1: i32):\n return v1",
            5,
            "outside of the normal return",
        ),
        ("", "v1 = f64const 0x1.0p0\n v2 = fpromote.f32 v1\n return v0", 6, "fpromote must not narrow"),
        ("gv0 = iadd_imm.i64 gv1, 8\n gv1 = iadd_imm.i64 gv0, 8", "return v0", 3, "gv0: cycle"),
        ("gv0 = iadd_imm.i64 gv1, 8\n gv1 = symbol %s", "v1 = global_value.i64 gv0\n return v0", 0, ""),
        ("gv3 = symbol %s", "v1 = global_value.i64 gv3\n return v0", 0, ""),
        ("gv0 = load.i64 gv7+8", "return v0", 3, "gv7 does not exist"),
        (
            "gv0 = symbol %s\n gv1 = load.f32 gv0\n gv2 = load.i32 gv1",
            "return v0",
            3,
            "base gv1 has type f32, which is not the pointer type",
        ),
        ("gv0 = symbol %s\n gv1 = load.i32 gv0\n gv2 = iadd_imm.i64 gv1, 1", "return v0", 3, "expected i64"),
        ("gv0 = symbol %s\n gv1 = iadd_imm.f64 gv0, 1", "return v0", 3, "iadd_imm cannot have type f64"),
        (
            "gv0 = symbol %s\n gv1 = load.i32 gv0",
            "v1 = global_value.i64 gv1\n return v0",
            6,
            "gv1 has type i32, expected i64",
        ),
        ("gv0 = symbol %s", "v1 = global_value.f64 gv0\n return v0", 5, "an address cannot have type f64"),
        (
            "gv0 = symbol %s\n gv1 = load.i64 gv0",
            "v1 = symbol_value.i64 gv1\n return v0",
            6,
            "symbol_value needs a symbol, but gv1 is none",
        ),
        ("", "v1 = bitcast.f32 little v0\n return v0", 0, ""),
        ("", "v1 = bitcast.f32 aligned v0\n return v0", 5, "only accepts the `big` or `little`"),
        ("ss0 = explicit_slot 4", "v1 = stack_addr.i64 ss0+4\n return v0", 0, ""),
        ("", "store readonly v0, v0\n return v0", 5, "cannot be readonly"),
    ];
    for (preamble, body, line, message) in cases {
        let text = format!("\nfunction %f(i32) -> i32 {{\n{preamble}\nblock0(v0: i32):\n {body}\n}}\n");
        let file = match parse_test(&text) {
            Ok(file) => file,
            // What the reader refuses is refused as well; the line must be right.
            Err(error) => {
                assert!(error.line == *line && error.message.contains(message), "{error}\n{text}");
                continue;
            }
        };
        let parsed = &file.functions[0];
        match (verify(&parsed.func), *line) {
            (Ok(()), 0) => {}
            (Ok(()), _) => panic!("no error\n{text}"),
            (Err(errors), 0) => panic!("{errors}\n{text}"),
            (Err(errors), line) => {
                let found = errors.0.iter().any(|error| {
                    let at = parsed.source.line(error.entity);
                    error.message.contains(message) && (at == line || line <= 3)
                });
                assert!(found, "{}\n{text}", errors.with_lines(&parsed.source));
            }
        }
    }
}

#[test]
fn random_functions_verify() {
    for seed in 0..300 {
        for func in crate::random::function_set(seed, &crate::random::Config::default()) {
            if let Err(errors) = verify(&func) {
                panic!("seed {seed}: {errors}\n{func}");
            }
        }
    }
}

/// A function that returns its parameter, after one instruction that `build` adds
/// to the function's block in front of the return.
fn built(build: impl FnOnce(&mut Function, Value) -> Inst) -> String {
    let signature = Signature::of(CallConv::Fast, &[I64], &[I64]);
    let mut func = Function::new(ExternalName::Named("f".into()), signature);
    let block = func.dfg.make_block();
    let v0 = func.dfg.append_block_param(block, I64);
    func.layout.append_block(block);
    let inst = build(&mut func, v0);
    func.layout.append_inst(inst, block);
    let ret = func.dfg.make_inst(Opcode::Return, Type::INVALID, &[v0], Extra::None);
    func.layout.append_inst(ret, block);
    verify(&func).map_or_else(|errors| errors.to_string(), |()| String::new())
}

/// What text cannot say is refused without a panic.
#[test]
fn malformed_instructions() {
    let none = Type::INVALID;
    assert_eq!(built(|func, _| func.dfg.make_inst(Opcode::Fence, none, &[], Extra::None)), "");
    for &opcode in Opcode::ALL.iter().filter(|opcode| opcode.is_call() || opcode.is_branch()) {
        let error = built(|func, _| func.dfg.make_inst(opcode, none, &[], Extra::None));
        assert!(error.contains("are not of the format"), "{opcode}: {error}");
    }
    let error = built(|func, _| {
        let sig = func.dfg.signatures.push(Signature::new(CallConv::Fast));
        func.dfg.make_inst(Opcode::CallIndirect, none, &[], Extra::Sig(sig))
    });
    assert!(error.contains("mismatched argument count: got 0, expected 1"), "{error}");
    let error = built(|func, _| {
        let inst = func.dfg.make_inst(Opcode::Fence, none, &[], Extra::None);
        func.dfg.sites.insert(inst, SiteInfo::default());
        inst
    });
    assert!(error.contains("only a call can be patchable"), "{error}");
    let error = built(|func, _| func.dfg.make_inst(Opcode::Iconst, none, &[], Extra::Imm(1)));
    assert!(error.contains("cannot have type INVALID"), "{error}");
    let error = built(|func, v0| {
        let absent = func.dfg.make_value(I64, ValueDef::Absent);
        let alias = func.dfg.make_value(I64, ValueDef::Alias(absent));
        func.dfg.make_inst(Opcode::Store, I64, &[alias, v0], Extra::Mem(MemFlags::default(), 0))
    });
    assert!(error.contains("v2 does not exist"), "{error}");
    let error = built(|func, v0| {
        let [a, b] = [2, 1].map(|n| func.dfg.make_value(I64, ValueDef::Alias(Value::from_u32(n))));
        func.dfg.make_inst(Opcode::Store, I64, &[a, b], Extra::Mem(MemFlags::default(), v0.as_u32() as i32))
    });
    assert!(error.contains("v1 is an alias of itself"), "{error}");
}
