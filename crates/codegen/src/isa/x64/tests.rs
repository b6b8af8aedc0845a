//! Encodings, read back by a disassembler.

use super::*;
use crate::buffer::Buffer;
use crate::vcode::{EmitCtx, MachInst};
use inst::{Amode, Mem, Rmi};
use ops::*;
use regs::{gpr, xmm};
use sidetrack_artifact::SymbolName;
use sse::*;

fn g(n: usize) -> Reg {
    Reg::physical(gpr(n))
}

fn x(n: usize) -> Reg {
    Reg::physical(xmm(n))
}

fn at(amode: Amode) -> Mem {
    amode.into()
}

/// The instruction's text, several separated by `; `.
fn text(inst: &Inst) -> String {
    let isa = X64 { flags: Flags::default(), features: Features::default(), env: regs::machine_env() };
    let mut buffer = Buffer::new(patch::BUFFER_SPEC);
    let frame = FrameLayout::default();
    inst.emit(&isa, &mut buffer, &EmitCtx { frame: &frame, flags: &isa.flags, next: None });
    let code = buffer.code().to_vec();
    let function = CompiledFunction {
        name: SymbolName::Named("f".to_string()),
        code,
        alignment: 16,
        relocs: Vec::new(),
        traps: Vec::new(),
        call_sites: Vec::new(),
        patch_sites: Vec::new(),
        states: Vec::new(),
        trap_states: Vec::new(),
        unwind: Default::default(),
        sources: Vec::new(),
        frame_size: 0,
    };
    let text = crate::disasm::disassemble(&function, NAME).expect("there is a disassembler");
    let lines = text.lines().map(|line| line.split_once(": ").map_or(line, |(_, rest)| rest));
    lines.collect::<Vec<_>>().join("; ")
}

#[test]
fn addresses() {
    let cases: Vec<(Amode, &str)> = vec![
        (Amode::Base(g(0), 0), "[rax]"),
        (Amode::Base(g(5), 0), "[rbp]"),
        (Amode::Base(g(13), 0), "[r13]"),
        (Amode::Base(g(4), 8), "[rsp + 8]"),
        (Amode::Base(g(12), 0), "[r12]"),
        (Amode::Base(g(12), -128), "[r12 - 0x80]"),
        (Amode::Base(g(7), 128), "[rdi + 0x80]"),
        (Amode::Base(g(15), i32::MIN), "[r15 - 0x80000000]"),
        (Amode::Index { base: g(5), index: g(12), shift: 3, disp: 0 }, "[rbp + r12*8]"),
        (Amode::Index { base: g(13), index: g(8), shift: 0, disp: 0 }, "[r13 + r8]"),
        (Amode::Index { base: g(4), index: g(1), shift: 1, disp: 300 }, "[rsp + rcx*2 + 0x12c]"),
        (Amode::Index { base: g(12), index: g(5), shift: 2, disp: -4 }, "[r12 + rbp*4 - 4]"),
    ];
    for (amode, expected) in cases {
        let load = Inst::Mov { kind: MovKind::M64, dst: g(9), src: Rmi::Mem(at(amode)) };
        assert_eq!(text(&load), format!("mov r9, qword ptr {expected}"));
        let float = Inst::XmmUnary { op: XmmUnaryOp::Load, wide: false, dst: x(9), src: Rmi::Mem(at(amode)) };
        assert_eq!(text(&float), format!("movss xmm9, dword ptr {expected}"));
        let store = Inst::Store { size: Size::S8, src: Rmi::Reg(g(6)), mem: at(amode) };
        assert_eq!(text(&store), format!("mov byte ptr {expected}, sil"));
    }
}

#[test]
fn integers() {
    use Size::*;
    let reg = |n| Rmi::Reg(g(n));
    let base = |n| at(Amode::Base(g(n), 0));
    let cases: Vec<(Inst, &str)> = vec![
        (Inst::Imm { dst: g(8), imm: 7 }, "mov r8d, 7"),
        (Inst::Imm { dst: g(1), imm: -1 }, "mov rcx, 0xffffffffffffffff"),
        (Inst::Imm { dst: g(15), imm: i64::MIN }, "movabs r15, 0x8000000000000000"),
        (Inst::Zero { dst: g(10) }, "xor r10d, r10d"),
        (Inst::Alu { op: AluOp::Add, size: S8, dst: g(5), src1: g(5), src2: reg(0) }, "add bpl, al"),
        (Inst::Alu { op: AluOp::Adc, size: S16, dst: g(9), src1: g(9), src2: reg(3) }, "adc r9w, bx"),
        (
            Inst::Alu { op: AluOp::Xor, size: S64, dst: g(0), src1: g(0), src2: Rmi::Imm(1000) },
            "xor rax, 0x3e8",
        ),
        (Inst::AluMem { op: AluOp::Or, size: S32, mem: base(3), src: reg(9) }, "or dword ptr [rbx], r9d"),
        (
            Inst::AluMem { op: AluOp::Sub, size: S64, mem: base(3), src: Rmi::Imm(9) },
            "sub qword ptr [rbx], 9",
        ),
        (Inst::Cmp { size: S16, src1: g(12), src2: Rmi::Imm(300) }, "cmp r12w, 0x12c"),
        (Inst::Test { size: S8, src1: g(7), src2: Rmi::Imm(1) }, "test dil, 1"),
        (Inst::Test { size: S8, src1: g(0), src2: reg(7) }, "test dil, al"),
        (Inst::Imul { size: S64, dst: g(2), src1: g(2), src2: reg(11) }, "imul rdx, r11"),
        (Inst::ImulImm { size: S32, dst: g(2), src: reg(1), imm: 1000 }, "imul edx, ecx, 0x3e8"),
        (Inst::MulWide { signed: false, size: S64, lo: g(0), hi: g(2), src1: g(0), src2: reg(8) }, "mul r8"),
        (Inst::DividendHigh { signed: true, size: S64, dst: g(2), src: g(0) }, "cqo"),
        (Inst::DividendHigh { signed: true, size: S32, dst: g(2), src: g(0) }, "cdq"),
        (Inst::Bswap { size: S64, dst: g(9), src: g(9) }, "bswap r9"),
        (Inst::Bswap { size: S32, dst: g(1), src: g(1) }, "bswap ecx"),
        (Inst::Count { op: CountOp::Lzcnt, size: S64, dst: g(9), src: reg(1) }, "lzcnt r9, rcx"),
        (Inst::Count { op: CountOp::Popcnt, size: S32, dst: g(1), src: reg(9) }, "popcnt ecx, r9d"),
        (Inst::Andn { size: S64, dst: g(9), src1: g(10), src2: reg(3) }, "andn r9, r10, rbx"),
        (Inst::ShiftImm { op: ShiftOp::Rol, size: S16, dst: g(6), src: g(6), amount: 8 }, "rol si, 8"),
        (Inst::ShiftCl { op: ShiftOp::Sar, size: S8, dst: g(6), src: g(6), amount: g(1) }, "sar sil, cl"),
        (
            Inst::Shiftx { op: ShiftxOp::Sarx, size: S32, dst: g(1), src: reg(9), amount: g(14) },
            "sarx ecx, r9d, r14d",
        ),
        (Inst::Setcc { cc: Cc::Np, dst: g(4) }, "setnp spl"),
        (Inst::CarryMask { size: S64, dst: g(9) }, "sbb r9, r9"),
        (Inst::Cmov { cc: Cc::Le, size: S32, dst: g(1), src1: g(1), src2: reg(9) }, "cmovle ecx, r9d"),
        (Inst::Mov { kind: MovKind::Zx8, dst: g(1), src: reg(6) }, "movzx ecx, sil"),
        (Inst::Mov { kind: MovKind::Sx32To64, dst: g(1), src: reg(6) }, "movsxd rcx, esi"),
        (Inst::Store { size: S16, src: Rmi::Imm(-2), mem: base(12) }, "mov word ptr [r12], 0xfffe"),
        (Inst::Xadd { size: S8, dst: g(7), src: g(7), mem: base(1) }, "lock xadd byte ptr [rcx], dil"),
        (Inst::Xchg { size: S16, dst: g(7), src: g(7), mem: base(1) }, "xchg word ptr [rcx], di"),
        (
            Inst::Cmpxchg { size: S64, dst: g(0), expected: g(0), src: g(9), mem: base(12) },
            "lock cmpxchg qword ptr [r12], r9",
        ),
        (Inst::Fence, "mfence"),
        (Inst::Breakpoint, "int3"),
    ];
    for (inst, expected) in cases {
        assert_eq!(text(&inst), expected, "{inst:?}");
    }
}

#[test]
fn floats() {
    use Size::*;
    let reg = |n| Rmi::Reg(x(n));
    let cases: Vec<(Inst, &str)> = vec![
        (
            Inst::Xmm { op: XmmOp::Add, vex: false, wide: true, dst: x(8), src1: x(8), src2: reg(15) },
            "addsd xmm8, xmm15",
        ),
        (
            Inst::Xmm { op: XmmOp::Min, vex: false, wide: false, dst: x(0), src1: x(0), src2: reg(9) },
            "minss xmm0, xmm9",
        ),
        (
            Inst::Xmm { op: XmmOp::Xor, vex: false, wide: true, dst: x(0), src1: x(0), src2: reg(9) },
            "xorps xmm0, xmm9",
        ),
        (
            Inst::Xmm { op: XmmOp::CmpOrd, vex: false, wide: true, dst: x(1), src1: x(1), src2: reg(2) },
            "cmpordsd xmm1, xmm2",
        ),
        (
            Inst::Xmm { op: XmmOp::Sub, vex: true, wide: true, dst: x(1), src1: x(9), src2: reg(2) },
            "vsubsd xmm1, xmm9, xmm2",
        ),
        (
            Inst::XmmUnary { op: XmmUnaryOp::Sqrt, wide: true, dst: x(1), src: reg(9) },
            "xorps xmm1, xmm1; sqrtsd xmm1, xmm9",
        ),
        (
            Inst::XmmUnary { op: XmmUnaryOp::Convert, wide: true, dst: x(1), src: reg(1) },
            "cvtsd2ss xmm1, xmm1",
        ),
        (
            Inst::XmmUnary { op: XmmUnaryOp::Round(11), wide: false, dst: x(9), src: reg(9) },
            "roundss xmm9, xmm9, 0xb",
        ),
        (Inst::XmmCmp { wide: false, src1: x(1), src2: reg(10) }, "ucomiss xmm1, xmm10"),
        (Inst::XmmFma { wide: true, dst: x(1), a: x(9), b: x(10), c: x(1) }, "vfmadd231sd xmm1, xmm9, xmm10"),
        (Inst::GprToXmm { size: S64, dst: x(9), src: g(10) }, "movq xmm9, r10"),
        (Inst::XmmToGpr { size: S32, dst: g(10), src: x(9) }, "movd r10d, xmm9"),
        (
            Inst::IntToXmm { size: S64, wide: false, dst: x(9), src: g(10) },
            "xorps xmm9, xmm9; cvtsi2ss xmm9, r10",
        ),
        (Inst::XmmToInt { size: S64, wide: true, dst: g(9), src: x(10) }, "cvttsd2si r9, xmm10"),
        (Inst::Copy { dst: x(9), src: x(1), class: RegClass::Float }, "movaps xmm9, xmm1"),
        (Inst::XmmZero { dst: x(12) }, "xorps xmm12, xmm12"),
    ];
    for (inst, expected) in cases {
        assert_eq!(text(&inst), expected, "{inst:?}");
    }
}

/// Both encodings of every row of the vector tables.
#[test]
fn vector_tables() {
    let reg = |n| Rmi::Reg(x(n));
    let check = |inst: Inst, name: &str, vex: bool, operands: &str, takes_imm: bool| {
        let name = if vex && !name.starts_with('v') { format!("v{name}") } else { name.to_string() };
        let imm = if takes_imm && !name.contains("cmpeq") { ", 3" } else { "" };
        assert_eq!(text(&inst), format!("{name} {operands}{imm}"), "{inst:?}");
    };
    for &(op, name) in VecOp::ALL {
        let imm = if name.starts_with("cmp") { 0 } else { 3 };
        for vex in [false, true] {
            let inst =
                |dst, src1, src2| Inst::Vec { op, vex, imm, dst: x(dst), src1: x(src1), src2: reg(src2) };
            let operands = if vex { "xmm1, xmm9, xmm2" } else { "xmm1, xmm2" };
            check(inst(1, 9, 2), name, vex, operands, takes_imm(op.op()));
            let operands = if vex { "xmm9, xmm2, xmm10" } else { "xmm9, xmm10" };
            check(inst(9, 2, 10), name, vex, operands, takes_imm(op.op()));
        }
    }
    for &(op, name) in VecUnaryOp::ALL {
        for vex in [false, true] {
            let inst = Inst::VecUnary { op, vex, imm: 3, dst: x(9), src: reg(2) };
            check(inst, name, vex, "xmm9, xmm2", takes_imm(op.op()));
        }
    }
    for &(op, name) in BroadcastOp::ALL {
        check(Inst::Broadcast { op, dst: x(9), src: reg(12) }, name, true, "xmm9, xmm12", false);
    }
    for (&(op, name), (src, dst)) in InsertOp::ALL.iter().zip([(9, "r9d"), (9, "r9d"), (9, "r9d"), (9, "r9")])
    {
        for vex in [false, true] {
            let inst = Inst::VecInsert { op, vex, lane: 3, dst: x(9), src1: x(10), src2: Rmi::Reg(g(src)) };
            let operands = if vex { format!("xmm9, xmm10, {dst}") } else { format!("xmm9, {dst}") };
            check(inst, name, vex, &operands, true);
        }
    }
    for (&(op, name), dst) in ExtractOp::ALL.iter().zip(["r9d", "r9d", "r9d", "r9"]) {
        let inst = Inst::VecExtract { op, lane: 3, dst: g(9), src: x(10) };
        check(inst, name, false, &format!("{dst}, xmm10"), true);
    }
    for &(op, name) in EvexOp::ALL {
        let inst = Inst::Evex { op, dst: x(9), src1: x(10), src2: x(3) };
        check(inst, name, true, "xmm9, xmm10, xmm3", false);
    }
    for &(op, name) in EvexUnaryOp::ALL {
        check(Inst::EvexUnary { op, dst: x(9), src: x(3) }, name, true, "xmm9, xmm3", false);
    }
    for &(op, name) in EvexTernaryOp::ALL {
        let inst = |src3| Inst::EvexTernary { op, imm: 3, dst: x(1), src1: x(1), src2: x(10), src3 };
        check(inst(reg(9)), name, true, "xmm1, xmm10, xmm9", takes_imm(op.op()));
    }
    for &(op, name) in MaskOp::ALL {
        check(Inst::VecMask { op, dst: g(9), src: x(10) }, name, false, "r9d, xmm10", false);
    }
}

#[test]
fn vectors() {
    let base = |n| at(Amode::Base(g(n), 0));
    let shift = |op, vex| Inst::VecShift { op, vex, dst: x(9), src: x(10), amount: 5 };
    let blend = |op, vex| Inst::VecBlend { op, vex, dst: x(9), src1: x(9), src2: x(10), mask: x(3) };
    let fma = |wide, negate| Inst::VecFma { wide, negate, dst: x(1), a: x(9), b: x(10), c: x(1) };
    let cases: Vec<(Inst, &str)> = vec![
        (shift(VecShiftOp::Psllw, false), "psllw xmm9, 5"),
        (shift(VecShiftOp::Pslld, true), "vpslld xmm9, xmm10, 5"),
        (shift(VecShiftOp::Psllq, false), "psllq xmm9, 5"),
        (shift(VecShiftOp::Psrlw, true), "vpsrlw xmm9, xmm10, 5"),
        (shift(VecShiftOp::Psrld, false), "psrld xmm9, 5"),
        (shift(VecShiftOp::Psrlq, false), "psrlq xmm9, 5"),
        (shift(VecShiftOp::Psraw, false), "psraw xmm9, 5"),
        (shift(VecShiftOp::Psrad, true), "vpsrad xmm9, xmm10, 5"),
        (shift(VecShiftOp::Pslldq, false), "pslldq xmm9, 5"),
        (shift(VecShiftOp::Psrldq, true), "vpsrldq xmm9, xmm10, 5"),
        (blend(BlendOp::Pblendvb, false), "pblendvb xmm9, xmm10, xmm0"),
        (blend(BlendOp::Blendvps, false), "blendvps xmm9, xmm10, xmm0"),
        (blend(BlendOp::Blendvpd, false), "blendvpd xmm9, xmm10, xmm0"),
        (blend(BlendOp::Pblendvb, true), "vpblendvb xmm9, xmm9, xmm10, xmm3"),
        (blend(BlendOp::Blendvps, true), "vblendvps xmm9, xmm9, xmm10, xmm3"),
        (blend(BlendOp::Blendvpd, true), "vblendvpd xmm9, xmm9, xmm10, xmm3"),
        (fma(false, false), "vfmadd231ps xmm1, xmm9, xmm10"),
        (fma(true, true), "vfnmadd231pd xmm1, xmm9, xmm10"),
        (Inst::VecTest { src1: x(9), src2: Rmi::Reg(x(1)) }, "ptest xmm9, xmm1"),
        (Inst::VecStore { src: x(9), mem: base(9) }, "movups xmmword ptr [r9], xmm9"),
        (Inst::VecStoreHigh { src: x(1), mem: base(9) }, "movhps qword ptr [r9], xmm1"),
        (Inst::Vpsraq { dst: x(9), src: x(10), amount: 5 }, "vpsraq xmm9, xmm10, 5"),
        (Inst::VecOnes { dst: x(9) }, "pcmpeqd xmm9, xmm9"),
        (
            Inst::VecExtractStore { op: ExtractOp::Pextrb, lane: 15, src: x(9), mem: base(1) },
            "pextrb byte ptr [rcx], xmm9, 0xf",
        ),
        (
            Inst::VecUnary { op: VecUnaryOp::Movups, vex: false, imm: 0, dst: x(9), src: Rmi::Mem(base(1)) },
            "movups xmm9, xmmword ptr [rcx]",
        ),
        (
            Inst::VecUnary {
                op: VecUnaryOp::Pmovsxbw,
                vex: false,
                imm: 0,
                dst: x(9),
                src: Rmi::Mem(base(1)),
            },
            "pmovsxbw xmm9, qword ptr [rcx]",
        ),
        (
            Inst::Vec { op: VecOp::Paddd, vex: true, imm: 0, dst: x(1), src1: x(2), src2: Rmi::Mem(base(3)) },
            "vpaddd xmm1, xmm2, xmmword ptr [rbx]",
        ),
    ];
    for (inst, expected) in cases {
        assert_eq!(text(&inst), expected, "{inst:?}");
    }
}
