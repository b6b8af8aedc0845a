//! Whole functions through the target, read back by the crate's disassembler.

use super::*;
use crate::compile;
use pulley_interpreter::decode::Decoder;
use pulley_interpreter::disas::Disassembler;
use sidetrack_artifact::{RelocKind, SiteKind, TrapCode};
use sidetrack_ir::text::parse_functions;

fn compile_text(flags: Flags, text: &str) -> CompiledFunction {
    let functions = parse_functions(text).expect("the test's function is well-formed");
    let isa = builder().finish(flags);
    compile(&functions[0], &*isa).expect("the test's function compiles")
}

/// The instructions, one a line.
fn disassemble(code: &[u8]) -> String {
    let mut disassembler = Disassembler::new(code);
    disassembler.hexdump(false).offsets(false);
    Decoder::decode_all(&mut disassembler).expect("the code is bytecode");
    disassembler.disas().lines().map(str::trim).collect::<Vec<_>>().join("\n")
}

fn lines(text: &str) -> String {
    disassemble(&compile_text(Flags::default(), text).code)
}

#[test]
fn a_site_is_one_call_and_nothing_moves_between_two() {
    let text = "function %f(i64, i64) -> i64 system_v {
        fn0 = colocated patchable %hook(i64) preserve_all
    block0(v0: i64, v1: i64):
        v2 = iadd_imm v1, 5
        call fn0(v0), tag 3
        call fn0(v0), tag 4, init off
        return v2
    }";
    let nops = ["nop"; 5].join("\n");
    let compiled = compile_text(Flags::default(), text);
    let expected = format!(
        "push_frame\nxadd64_u8 x1, x1, 5\ncall 0x0    // target = 0x5\n{nops}\nxmov x0, x1\npop_frame\nret"
    );
    assert_eq!(disassemble(&compiled.code), expected);
    let [on, off] = &compiled.patch_sites[..] else { panic!("two sites") };
    assert_eq!((on.tag, on.initially_on, on.kind), (3, true, SiteKind::Call));
    assert_eq!((off.tag, off.initially_on, off.kind), (4, false, SiteKind::Call));
    for (site, reloc) in [on, off].into_iter().zip(&compiled.relocs) {
        assert_eq!((reloc.offset, reloc.addend), (site.start() + 1, 1));
        assert_eq!(reloc.kind, RelocKind::PulleyPcRel);
        assert_eq!(disassemble(&site.off), nops);
        assert!(disassemble(&site.on).starts_with("call "));
    }
    let flags = Flags { sites_off: true, ..Flags::default() };
    let compiled = compile_text(flags, text);
    assert_eq!(disassemble(&compiled.code).matches("nop").count(), 10);
    assert!(!compiled.patch_sites[0].initially_on && compiled.patch_sites[0].on == on.on);
}

#[test]
fn an_indirect_site_is_as_long_as_its_call() {
    let text = "function %f(i64) system_v {
        sig0 = () preserve_all
    block0(v0: i64):
        call_indirect sig0, v0(), tag 1
        return
    }";
    let compiled = compile_text(Flags::default(), text);
    let [site] = &compiled.patch_sites[..] else { panic!("one site: {}", disassemble(&compiled.code)) };
    assert_eq!((site.kind, site.len, site.off.len()), (SiteKind::Indirect, 2, 2));
    assert_eq!(disassemble(&site.on), "call_indirect x0");
}

#[test]
fn a_result_passes_through_its_arguments_register() {
    let code = lines(
        "function %f(i64, f64) -> i64, f64 system_v {
            fn0 = colocated patchable %hook(i64, f64) -> f64, i64 preserve_all
        block0(v0: i64, v1: f64):
            v2, v3 = call fn0(v0, v1), off v1, v0
            return v3, v2
        }",
    );
    assert_eq!(code, "push_frame\ncall 0x0    // target = 0x1\npop_frame\nret");
}

#[test]
fn a_hook_saves_what_it_writes() {
    let code = lines(
        "function %f(i64) preserve_all {
            fn0 = %g(i64) system_v
        block0(v0: i64):
            call fn0(v0)
            return
        }",
    );
    // What the convention of %g leaves unknown: 16 registers of each class.
    for (op, count) in [("xstore64le_o32", 16), ("fstore64le_o32", 16), ("vstore128le_o32", 16)] {
        assert_eq!(code.matches(op).count(), count, "{op} in\n{code}");
        assert_eq!(code.matches(&op.replace("store", "load")).count(), count, "{op} in\n{code}");
    }
}

#[test]
fn constants_fold_into_instructions() {
    let code = lines(
        "function %f(i32, i64) -> i32 system_v {
        block0(v0: i32, v1: i64):
            v2 = iadd_imm v0, -1
            v3 = band_imm v2, 1000
            v4 = ishl_imm v3, 3
            v5 = imul v4, v2
            v6 = iadd v5, v0
            v7 = icmp_imm sgt v1, -70000
            brif v7, block1, block2
        block1:
            return v6
        block2:
            return v0
        }",
    );
    for op in ["xsub32_u8", "xband32_s32", "xshl32_u6", "xmadd32"] {
        assert!(code.contains(op), "no {op} in\n{code}");
    }
    assert!(code.contains("br_if_xslteq64_i32 x1, -70000,"), "{code}");
}

#[test]
fn stack_arguments_and_a_tail_call_with_more_of_them() {
    let params = ["i64"; 17].join(", ");
    let compiled = compile_text(
        Flags::default(),
        &format!(
            "function %f(i64) -> i64 tail {{
                fn0 = %g({params}) -> i64 tail
            block0(v0: i64):
                return_call fn0({})
            }}",
            ["v0"; 17].join(", ")
        ),
    );
    let code = disassemble(&compiled.code);
    // Two arguments of 16 are on the stack, above a frame that makes room for them.
    assert!(code.starts_with("stack_alloc32 16\npush_frame\n"), "{code}");
    assert!(code.contains("pop_frame\njump"), "{code}");
    assert!(!code.contains("stack_free32"), "{code}");
    assert_eq!(code.matches("xstore64le_o32 sp, ").count(), 2, "{code}");
    assert_eq!(compiled.traps[0].code, TrapCode::StackOverflow);
}

#[test]
fn a_preserve_all_result_needs_a_register_to_pass_through() {
    let sig = Signature::of(CallConv::PreserveAll, &[sidetrack_ir::types::I32], &[sidetrack_ir::types::I64]);
    let error = abi::sig_abi(&sig).unwrap_err();
    assert!(error.to_string().contains("no argument register to pass through"), "{error}");
}

#[test]
fn unknown_flags_are_errors() {
    assert!(builder().enable("has_simd").is_err());
    assert_eq!(builder().finish(Flags::default()).nop_units(), patch::NOP_UNITS);
}
