//! From instructions to bytes.
//!
//! Every trapping instruction is recorded at its first byte, which is what the
//! interpreter reports, with one code: where an instruction can trap for two
//! reasons, lowering has put a check for one of them before it.

use super::Pulley;
use super::abi::{emit_epilogue, sp_offset};
use super::inst::{Addr, Cond, Inst, PcRel};
use super::ops::{BrX, BrXI8, BrXI32, BrXU8, BrXU32, BrXx, Code};
use super::patch::{OPCODE_BYTES, TRAP};
use super::regs::{SP, freg, vreg, xreg};
use crate::buffer::{Buffer, Label};
use crate::call::{CallDest, CallInfo};
use crate::reg::Reg;
use crate::vcode::EmitCtx;
use pulley_interpreter::regs::XReg;
use pulley_interpreter::{AddrO32, AddrZ, U6, encode};
use regalloc2::RegClass;
use sidetrack_artifact::{RelocKind, SymbolName, TrapCode};
use sidetrack_ir::IntCC;

/// Appending by the encoder's functions.
pub trait Emit {
    /// Appends what `f` encodes.
    fn encode(&mut self, f: impl FnOnce(&mut Code));
}

impl Emit for Buffer<PcRel> {
    fn encode(&mut self, f: impl FnOnce(&mut Code)) {
        let mut code = Code::new();
        f(&mut code);
        self.put(&code);
    }
}

/// Appends a jump.
pub fn jump(buffer: &mut Buffer<PcRel>, target: Label) {
    let start = buffer.offset();
    buffer.encode(|code| encode::jump(code, 0));
    use_displacement(buffer, start, target);
}

/// The displacement at the end of the instruction that started at `start` is that
/// of `target`.
fn use_displacement(buffer: &mut Buffer<PcRel>, start: u32, target: Label) {
    let at = buffer.offset() - 4;
    buffer.use_label(at, target, PcRel { after: at - start });
}

fn branch(buffer: &mut Buffer<PcRel>, cond: Cond, target: Label) {
    let start = buffer.offset();
    buffer.encode(|code| encode_branch(code, cond));
    use_displacement(buffer, start, target);
}

fn encode_branch(code: &mut Code, cond: Cond) {
    match cond {
        Cond::NonZero(reg) => BrX::br_if32.encode(code, xreg(reg), 0),
        Cond::Zero(reg) => BrX::br_if_not32.encode(code, xreg(reg), 0),
        Cond::Cmp { cc, wide, a, b } => {
            let (op, swap) = match (cc, wide) {
                (IntCC::Equal, false) => (BrXx::br_if_xeq32, false),
                (IntCC::NotEqual, false) => (BrXx::br_if_xneq32, false),
                (IntCC::SignedLessThan, false) => (BrXx::br_if_xslt32, false),
                (IntCC::SignedLessThanOrEqual, false) => (BrXx::br_if_xslteq32, false),
                (IntCC::SignedGreaterThan, false) => (BrXx::br_if_xslt32, true),
                (IntCC::SignedGreaterThanOrEqual, false) => (BrXx::br_if_xslteq32, true),
                (IntCC::UnsignedLessThan, false) => (BrXx::br_if_xult32, false),
                (IntCC::UnsignedLessThanOrEqual, false) => (BrXx::br_if_xulteq32, false),
                (IntCC::UnsignedGreaterThan, false) => (BrXx::br_if_xult32, true),
                (IntCC::UnsignedGreaterThanOrEqual, false) => (BrXx::br_if_xulteq32, true),
                (IntCC::Equal, true) => (BrXx::br_if_xeq64, false),
                (IntCC::NotEqual, true) => (BrXx::br_if_xneq64, false),
                (IntCC::SignedLessThan, true) => (BrXx::br_if_xslt64, false),
                (IntCC::SignedLessThanOrEqual, true) => (BrXx::br_if_xslteq64, false),
                (IntCC::SignedGreaterThan, true) => (BrXx::br_if_xslt64, true),
                (IntCC::SignedGreaterThanOrEqual, true) => (BrXx::br_if_xslteq64, true),
                (IntCC::UnsignedLessThan, true) => (BrXx::br_if_xult64, false),
                (IntCC::UnsignedLessThanOrEqual, true) => (BrXx::br_if_xulteq64, false),
                (IntCC::UnsignedGreaterThan, true) => (BrXx::br_if_xult64, true),
                (IntCC::UnsignedGreaterThanOrEqual, true) => (BrXx::br_if_xulteq64, true),
            };
            let (a, b) = if swap { (b, a) } else { (a, b) };
            op.encode(code, xreg(a), xreg(b), 0);
        }
        Cond::CmpImm { cc, wide, a, imm } => encode_branch_imm(code, cc, wide, xreg(a), imm),
    }
}

fn encode_branch_imm(code: &mut Code, cc: IntCC, wide: bool, a: XReg, imm: u32) {
    let signed = |narrow: (BrXI8, BrXI32), wider: (BrXI8, BrXI32), code: &mut Code| {
        let (byte, word) = if wide { wider } else { narrow };
        match i8::try_from(imm as i32) {
            Ok(imm) => byte.encode(code, a, imm, 0),
            Err(_) => word.encode(code, a, imm as i32, 0),
        }
    };
    let unsigned = |narrow: (BrXU8, BrXU32), wider: (BrXU8, BrXU32), code: &mut Code| {
        let (byte, word) = if wide { wider } else { narrow };
        match u8::try_from(imm) {
            Ok(imm) => byte.encode(code, a, imm, 0),
            Err(_) => word.encode(code, a, imm, 0),
        }
    };
    match cc {
        IntCC::Equal => signed(
            (BrXI8::br_if_xeq32_i8, BrXI32::br_if_xeq32_i32),
            (BrXI8::br_if_xeq64_i8, BrXI32::br_if_xeq64_i32),
            code,
        ),
        IntCC::NotEqual => signed(
            (BrXI8::br_if_xneq32_i8, BrXI32::br_if_xneq32_i32),
            (BrXI8::br_if_xneq64_i8, BrXI32::br_if_xneq64_i32),
            code,
        ),
        IntCC::SignedLessThan => signed(
            (BrXI8::br_if_xslt32_i8, BrXI32::br_if_xslt32_i32),
            (BrXI8::br_if_xslt64_i8, BrXI32::br_if_xslt64_i32),
            code,
        ),
        IntCC::SignedLessThanOrEqual => signed(
            (BrXI8::br_if_xslteq32_i8, BrXI32::br_if_xslteq32_i32),
            (BrXI8::br_if_xslteq64_i8, BrXI32::br_if_xslteq64_i32),
            code,
        ),
        IntCC::SignedGreaterThan => signed(
            (BrXI8::br_if_xsgt32_i8, BrXI32::br_if_xsgt32_i32),
            (BrXI8::br_if_xsgt64_i8, BrXI32::br_if_xsgt64_i32),
            code,
        ),
        IntCC::SignedGreaterThanOrEqual => signed(
            (BrXI8::br_if_xsgteq32_i8, BrXI32::br_if_xsgteq32_i32),
            (BrXI8::br_if_xsgteq64_i8, BrXI32::br_if_xsgteq64_i32),
            code,
        ),
        IntCC::UnsignedLessThan => unsigned(
            (BrXU8::br_if_xult32_u8, BrXU32::br_if_xult32_u32),
            (BrXU8::br_if_xult64_u8, BrXU32::br_if_xult64_u32),
            code,
        ),
        IntCC::UnsignedLessThanOrEqual => unsigned(
            (BrXU8::br_if_xulteq32_u8, BrXU32::br_if_xulteq32_u32),
            (BrXU8::br_if_xulteq64_u8, BrXU32::br_if_xulteq64_u32),
            code,
        ),
        IntCC::UnsignedGreaterThan => unsigned(
            (BrXU8::br_if_xugt32_u8, BrXU32::br_if_xugt32_u32),
            (BrXU8::br_if_xugt64_u8, BrXU32::br_if_xugt64_u32),
            code,
        ),
        IntCC::UnsignedGreaterThanOrEqual => unsigned(
            (BrXU8::br_if_xugteq32_u8, BrXU32::br_if_xugteq32_u32),
            (BrXU8::br_if_xugteq64_u8, BrXU32::br_if_xugteq64_u32),
            code,
        ),
    }
}

/// The base register and offset of an address.
fn resolve(addr: Addr, ctx: &EmitCtx<'_>) -> (XReg, i32) {
    match addr {
        Addr::Reg(base, offset) => (xreg(base), offset),
        Addr::Stack(addr) => (xreg(SP), sp_offset(ctx.frame, addr)),
    }
}

/// Records that the instruction that comes next can trap.
fn may_trap(buffer: &mut Buffer<PcRel>, trap: Option<TrapCode>) {
    if let Some(code) = trap {
        buffer.add_trap(code);
    }
}

fn add_offset(code: &mut Code, dst: Reg, offset: i32) {
    let (dst, base, size) = (xreg(dst), xreg(SP), offset.unsigned_abs());
    match (u8::try_from(size), offset < 0) {
        (Ok(0), _) => encode::xmov(code, dst, base),
        (Ok(size), false) => encode::xadd64_u8(code, dst, base, size),
        (Ok(size), true) => encode::xsub64_u8(code, dst, base, size),
        (Err(_), false) => encode::xadd64_u32(code, dst, base, size),
        (Err(_), true) => encode::xsub64_u32(code, dst, base, size),
    }
}

fn xconst(code: &mut Code, dst: XReg, imm: i64) {
    if imm == 0 {
        encode::xzero(code, dst);
    } else if imm == 1 {
        encode::xone(code, dst);
    } else if let Ok(imm) = i8::try_from(imm) {
        encode::xconst8(code, dst, imm);
    } else if let Ok(imm) = i16::try_from(imm) {
        encode::xconst16(code, dst, imm);
    } else if let Ok(imm) = i32::try_from(imm) {
        encode::xconst32(code, dst, imm);
    } else {
        encode::xconst64(code, dst, imm);
    }
}

/// Appends an instruction.
pub fn emit(inst: &Inst, isa: &Pulley, buffer: &mut Buffer<PcRel>, ctx: &EmitCtx<'_>) {
    match *inst {
        Inst::XConst { dst, imm } => buffer.encode(|code| xconst(code, xreg(dst), imm)),
        Inst::FConst { dst, bits, wide } => buffer.encode(|code| {
            if wide {
                encode::fconst64(code, freg(dst), bits)
            } else {
                encode::fconst32(code, freg(dst), bits as u32)
            }
        }),
        Inst::Xx { op, dst, src } => buffer.encode(|code| op.encode(code, xreg(dst), xreg(src))),
        Inst::Xxx { op, dst, a, b, trap } => {
            may_trap(buffer, trap);
            buffer.encode(|code| op.encode(code, xreg(dst), xreg(a), xreg(b)));
        }
        Inst::XxU8 { op, dst, src, imm } => buffer.encode(|code| op.encode(code, xreg(dst), xreg(src), imm)),
        Inst::XxU32 { op, dst, src, imm } => buffer.encode(|code| op.encode(code, xreg(dst), xreg(src), imm)),
        Inst::XxI8 { op, dst, src, imm } => buffer.encode(|code| op.encode(code, xreg(dst), xreg(src), imm)),
        Inst::XxI32 { op, dst, src, imm } => buffer.encode(|code| op.encode(code, xreg(dst), xreg(src), imm)),
        Inst::XxU6 { op, dst, src, imm } => buffer.encode(|code| {
            let imm = U6::new(imm & 63).expect("it is below 64");
            op.encode(code, xreg(dst), xreg(src), imm);
        }),
        Inst::Xxxx { op, dst, a, b, c } => {
            buffer.encode(|code| op.encode(code, xreg(dst), xreg(a), xreg(b), xreg(c)));
        }
        Inst::Ff { op, dst, src } => buffer.encode(|code| op.encode(code, freg(dst), freg(src))),
        Inst::Fff { op, dst, a, b } => buffer.encode(|code| op.encode(code, freg(dst), freg(a), freg(b))),
        Inst::Xff { op, dst, a, b } => buffer.encode(|code| op.encode(code, xreg(dst), freg(a), freg(b))),
        Inst::Xf { op, dst, src, trap } => {
            may_trap(buffer, trap);
            buffer.encode(|code| op.encode(code, xreg(dst), freg(src)));
        }
        Inst::Fx { op, dst, src } => buffer.encode(|code| op.encode(code, freg(dst), xreg(src))),
        Inst::Fxff { op, dst, cond, a, b } => {
            buffer.encode(|code| op.encode(code, freg(dst), xreg(cond), freg(a), freg(b)));
        }
        Inst::Vf { op, dst, src } => buffer.encode(|code| op.encode(code, vreg(dst), freg(src))),
        Inst::Vx { op, dst, src } => buffer.encode(|code| op.encode(code, vreg(dst), xreg(src))),
        Inst::Fv { op, dst, src, lane } => {
            buffer.encode(|code| op.encode(code, freg(dst), vreg(src), lane));
        }
        Inst::XvLane { op, dst, src, lane } => {
            buffer.encode(|code| op.encode(code, xreg(dst), vreg(src), lane));
        }
        Inst::VvxLane { op, dst, a, b, lane } => {
            buffer.encode(|code| op.encode(code, vreg(dst), vreg(a), xreg(b), lane));
        }
        Inst::VvfLane { op, dst, a, b, lane } => {
            buffer.encode(|code| op.encode(code, vreg(dst), vreg(a), freg(b), lane));
        }
        Inst::Xv { op, dst, src } => buffer.encode(|code| op.encode(code, xreg(dst), vreg(src))),
        Inst::Vv { op, dst, src } => buffer.encode(|code| op.encode(code, vreg(dst), vreg(src))),
        Inst::Vvv { op, dst, a, b } => buffer.encode(|code| op.encode(code, vreg(dst), vreg(a), vreg(b))),
        Inst::Vvx { op, dst, a, b } => buffer.encode(|code| op.encode(code, vreg(dst), vreg(a), xreg(b))),
        Inst::VConst { dst, bytes } => {
            buffer.encode(|code| encode::vconst128(code, vreg(dst), u128::from_le_bytes(bytes)));
        }
        Inst::VSelect { dst, cond, a, b } => {
            buffer.encode(|code| encode::vselect(code, vreg(dst), xreg(cond), vreg(a), vreg(b)));
        }
        Inst::Shuffle { dst, a, b, mask } => buffer.encode(|code| {
            encode::vshuffle(code, vreg(dst), vreg(a), vreg(b), u128::from_le_bytes(mask));
        }),
        Inst::Vvvv { op, dst, a, b, c } => {
            buffer.encode(|code| op.encode(code, vreg(dst), vreg(a), vreg(b), vreg(c)));
        }
        Inst::XLoad { op, dst, addr, trap } => {
            may_trap(buffer, trap);
            let (base, offset) = resolve(addr, ctx);
            buffer.encode(|code| op.encode(code, base, offset, trap.is_some(), xreg(dst)));
        }
        Inst::XStore { op, src, addr, trap } => {
            may_trap(buffer, trap);
            let (base, offset) = resolve(addr, ctx);
            buffer.encode(|code| op.encode(code, base, offset, trap.is_some(), xreg(src)));
        }
        Inst::FLoad { op, dst, addr, trap } => {
            may_trap(buffer, trap);
            let (base, offset) = resolve(addr, ctx);
            buffer.encode(|code| op.encode(code, base, offset, trap.is_some(), freg(dst)));
        }
        Inst::FStore { op, src, addr, trap } => {
            may_trap(buffer, trap);
            let (base, offset) = resolve(addr, ctx);
            buffer.encode(|code| op.encode(code, base, offset, trap.is_some(), freg(src)));
        }
        Inst::VLoad { op, dst, addr, trap } => {
            may_trap(buffer, trap);
            let (base, offset) = resolve(addr, ctx);
            buffer.encode(|code| op.encode(code, base, offset, trap.is_some(), vreg(dst)));
        }
        Inst::VStore { op, src, addr, trap } => {
            may_trap(buffer, trap);
            let (base, offset) = resolve(addr, ctx);
            buffer.encode(|code| op.encode(code, base, offset, trap.is_some(), vreg(src)));
        }
        Inst::VLoadWiden { op, dst, addr, trap } => {
            may_trap(buffer, trap);
            let (addr, offset) = resolve(addr, ctx);
            buffer.encode(|code| op.encode(code, vreg(dst), AddrZ { addr, offset }));
        }
        Inst::Mov { dst, src, class } => buffer.encode(|code| match class {
            RegClass::Int => encode::xmov(code, xreg(dst), xreg(src)),
            RegClass::Float => encode::fmov(code, freg(dst), freg(src)),
            RegClass::Vector => encode::vmov(code, vreg(dst), vreg(src)),
        }),
        Inst::StackAddr { dst, addr } => {
            buffer.encode(|code| add_offset(code, dst, sp_offset(ctx.frame, addr)));
        }
        Inst::Symbol { dst, ref name, offset } => {
            buffer.encode(|code| encode::xconst64(code, xreg(dst), 0));
            let at = buffer.offset() - 8;
            buffer.add_reloc(at, RelocKind::Abs8, name.clone(), offset);
        }
        Inst::FramePointer { dst } => buffer.encode(|code| encode::xmov_fp(code, xreg(dst))),
        Inst::StackPointer { dst } => buffer.encode(|code| encode::xmov(code, xreg(dst), xreg(SP))),
        Inst::ReturnAddress { dst } => {
            // The frame holds the caller's frame pointer, then the return address.
            let offset = ctx.frame.size() as i32 + 8;
            buffer.encode(|code| encode::xload64le_o32(code, xreg(dst), AddrO32 { addr: xreg(SP), offset }));
        }
        Inst::TrapIf { cond, code } => {
            let stub = buffer.trap_label(code);
            branch(buffer, cond, stub);
        }
        Inst::Trap { code } => {
            buffer.add_trap(code);
            buffer.put(TRAP);
        }
        Inst::Breakpoint => buffer.put(TRAP),
        Inst::Jump { target } => {
            if !falls_through(buffer, target, ctx) {
                jump(buffer, target);
            }
        }
        Inst::Branch { cond, then, other } => {
            if falls_through(buffer, then, ctx) {
                branch(buffer, cond.inverted(), other);
            } else {
                branch(buffer, cond, then);
                if !falls_through(buffer, other, ctx) {
                    jump(buffer, other);
                }
            }
        }
        Inst::BrTable { index, ref targets } => {
            buffer.encode(|code| encode::br_table32(code, xreg(index), targets.len() as u32));
            for &target in targets {
                let start = buffer.offset();
                buffer.put(&[0; 4]);
                use_displacement(buffer, start, target);
            }
        }
        Inst::Args { .. } => {}
        Inst::Ret { .. } => {
            let keep = if ctx.frame.callee_pops { 0 } else { ctx.frame.stack_args };
            emit_epilogue(ctx.frame, keep, buffer);
            buffer.encode(encode::ret);
        }
        Inst::Call { ref info } => emit_call(info, isa, buffer, ctx),
        Inst::ReturnCall { ref info } => {
            emit_epilogue(ctx.frame, info.stack_args, buffer);
            match &info.dest {
                CallDest::Direct(name) => {
                    buffer.encode(|code| encode::jump(code, 0));
                    add_call_reloc(buffer, name);
                }
                CallDest::Indirect(reg) => buffer.encode(|code| encode::xjump(code, xreg(*reg))),
            }
        }
    }
}

fn falls_through(buffer: &Buffer<PcRel>, target: Label, ctx: &EmitCtx<'_>) -> bool {
    ctx.next == Some(buffer.resolve(target))
}

/// The displacement of the direct call or jump just written is the symbol's.
fn add_call_reloc(buffer: &mut Buffer<PcRel>, name: &SymbolName) {
    let at = buffer.offset() - 4;
    buffer.add_reloc(at, RelocKind::PulleyPcRel, name.clone(), i64::from(OPCODE_BYTES));
}

fn emit_call(info: &CallInfo, isa: &Pulley, buffer: &mut Buffer<PcRel>, ctx: &EmitCtx<'_>) {
    let start = buffer.offset();
    match &info.dest {
        CallDest::Direct(name) => {
            buffer.encode(|code| encode::call(code, 0));
            add_call_reloc(buffer, name);
        }
        CallDest::Indirect(reg) => {
            buffer.encode(|code| encode::call_indirect(code, xreg(*reg)));
        }
    }
    info.record(start, isa.flags.sites_off, buffer, ctx.frame);
    if info.callee_pops && info.stack_args > 0 {
        // The callee has removed the arguments; the outgoing area is for the next
        // call again, and the results are above it. A site that is off has removed
        // nothing, so there the stack pointer is computed from the frame's.
        let mut size = info.stack_args;
        if info.site.is_some() {
            buffer.encode(|code| encode::xmov_fp(code, xreg(SP)));
            size = ctx.frame.size();
        }
        buffer.encode(|code| encode::stack_alloc32(code, size));
    }
    if let Some(info) = &info.try_call
        && !falls_through(buffer, info.normal, ctx)
    {
        jump(buffer, info.normal);
    }
}
