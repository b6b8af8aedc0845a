//! Vector instructions.

use super::*;
use crate::isa::x64::sse::*;

/// An immediate of one byte, if the instruction has one.
fn imm(op: Op, imm: u8) -> Imm {
    if takes_imm(op) { (imm.into(), 1) } else { NO_IMM }
}

/// Appends an instruction in either encoding.
fn either(buffer: &mut Buf, vex: bool, op: Op, w: bool, dst: u8, src1: u8, src2: RmEnc, imm: Imm) {
    if vex {
        buffer.vex(op, w, dst, src1, src2, imm);
    } else {
        buffer.op(op, w, false, dst, src2, imm);
    }
}

/// Appends a vector instruction; whether it is one.
pub fn emit(inst: &Inst, buffer: &mut Buf, ctx: &EmitCtx<'_>) -> bool {
    match *inst {
        Inst::Vec { op, vex, imm: value, dst, src1, src2 } => {
            let rm = rm(src2, buffer, ctx);
            let imm = imm(op.op(), value);
            either(buffer, vex, op.op(), false, dst.hw_enc(), src1.hw_enc(), rm, imm);
        }
        Inst::VecUnary { op, vex, imm: value, dst, src } => {
            let rm = rm(src, buffer, ctx);
            either(buffer, vex, op.op(), false, dst.hw_enc(), 0, rm, imm(op.op(), value));
        }
        Inst::Broadcast { op, dst, src } => {
            let rm = rm(src, buffer, ctx);
            buffer.vex(op.op(), false, dst.hw_enc(), 0, rm, NO_IMM);
        }
        Inst::VecShift { op, vex, dst, src, amount } => {
            let ((op, digit), imm) = (op.op(), (amount.into(), 1));
            let rm = RmEnc::Reg(if vex { src } else { dst }.hw_enc());
            either(buffer, vex, op, false, digit, dst.hw_enc(), rm, imm);
        }
        Inst::VecInsert { op, vex, lane, dst, src1, src2 } => {
            let (rm, w) = (rm(src2, buffer, ctx), op == InsertOp::Pinsrq);
            either(buffer, vex, op.op(), w, dst.hw_enc(), src1.hw_enc(), rm, (lane.into(), 1));
        }
        Inst::VecExtract { op, lane, dst, src } => {
            let (rm, w) = (RmEnc::Reg(dst.hw_enc()), op == ExtractOp::Pextrq);
            buffer.op(op.op(), w, false, src.hw_enc(), rm, (lane.into(), 1));
        }
        Inst::VecExtractStore { op, lane, src, mem } => {
            let (rm, w) = (memory(mem, buffer, ctx), op == ExtractOp::Pextrq);
            buffer.op(op.op(), w, false, src.hw_enc(), rm, (lane.into(), 1));
        }
        Inst::VecMask { op, dst, src } => {
            buffer.op(op.op(), false, false, dst.hw_enc(), RmEnc::Reg(src.hw_enc()), NO_IMM);
        }
        Inst::VecBlend { op, vex, dst, src1, src2, mask } => {
            let ((legacy, three), rm) = (op.ops(), RmEnc::Reg(src2.hw_enc()));
            if vex {
                let mask = (i64::from(mask.hw_enc()) << 4, 1);
                buffer.vex(three, false, dst.hw_enc(), src1.hw_enc(), rm, mask);
            } else {
                buffer.op(legacy, false, false, dst.hw_enc(), rm, NO_IMM);
            }
        }
        Inst::VecTest { src1, src2 } => {
            let rm = rm(src2, buffer, ctx);
            buffer.op(PTEST, false, false, src1.hw_enc(), rm, NO_IMM);
        }
        Inst::Evex { op, dst, src1, src2 } => {
            // Both are of lanes of 64 bits.
            let rm = RmEnc::Reg(src2.hw_enc());
            buffer.evex(op.op(), true, dst.hw_enc(), src1.hw_enc(), rm, NO_IMM);
        }
        Inst::EvexUnary { op, dst, src } => {
            let (rm, w) = (RmEnc::Reg(src.hw_enc()), op == EvexUnaryOp::Vpabsq);
            buffer.evex(op.op(), w, dst.hw_enc(), 0, rm, NO_IMM);
        }
        Inst::EvexTernary { op, imm: value, dst, src2, src3, .. } => {
            let rm = rm(src3, buffer, ctx);
            buffer.evex(op.op(), false, dst.hw_enc(), src2.hw_enc(), rm, imm(op.op(), value));
        }
        Inst::Vpsraq { dst, src, amount } => {
            let ((op, digit), rm) = (VPSRAQ, RmEnc::Reg(src.hw_enc()));
            buffer.evex(op, true, digit, dst.hw_enc(), rm, (amount.into(), 1));
        }
        Inst::VecStore { src, mem } => {
            let rm = memory(mem, buffer, ctx);
            buffer.op(m0f(0, 0x11), false, false, src.hw_enc(), rm, NO_IMM);
        }
        Inst::VecStoreHigh { src, mem } => {
            let rm = memory(mem, buffer, ctx);
            buffer.op(m0f(0, 0x17), false, false, src.hw_enc(), rm, NO_IMM);
        }
        Inst::VecOnes { dst } => {
            let dst = dst.hw_enc();
            buffer.op(VecOp::Pcmpeqd.op(), false, false, dst, RmEnc::Reg(dst), NO_IMM);
        }
        Inst::VecFma { wide, negate, dst, a, b, .. } => {
            // vfmadd231 or vfnmadd231: dst = a * b + dst or -(a * b) + dst
            let op = m38(0x66, if negate { 0xbc } else { 0xb8 });
            buffer.vex(op, wide, dst.hw_enc(), a.hw_enc(), RmEnc::Reg(b.hw_enc()), NO_IMM);
        }
        _ => return false,
    }
    true
}
