//! Loads and stores of vectors, and bitcasts.
//!
//! A little-endian vector is the register with its bytes in reverse: the second
//! enhancement has instructions for that; without it, it goes through two integer
//! registers. Of a big-endian one lanes are in reverse.

use super::*;
use crate::abi::StackAddr;
use crate::isa::s390x::encode::fits20;
use crate::isa::s390x::inst::{Addr, Mem};
use crate::isa::s390x::lower::mem::access;

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode, ty: Type) -> bool {
    let (signed, from) = match opcode {
        Opcode::Load => {
            load(ctx, inst, ty);
            return true;
        }
        Opcode::Store => {
            store(ctx, inst, ty);
            return true;
        }
        Opcode::Bitcast => {
            let (from, to) = (ctx.ty(ctx.arg(inst, 0)), ctx.func.dfg.insts[inst].ty);
            let ([src], big) = (args(ctx, inst), ctx.mem_flags(inst).0.endianness == Some(Endianness::Big));
            let dst = ctx.result(inst, 0);
            if !big || size(from) == size(to) {
                ctx.emit(Inst::mov(dst, src, RegClass::Vector));
                return true;
            }
            let (from, to) = (reversal(from), reversal(to));
            let mask = to.map(|n| from[usize::from(n)]);
            shuffle::shuffle_to(ctx, dst, src, src, mask);
            return true;
        }
        Opcode::Uload8x8 => (false, I8X16),
        Opcode::Sload8x8 => (true, I8X16),
        Opcode::Uload16x4 => (false, I16X8),
        Opcode::Sload16x4 => (true, I16X8),
        Opcode::Uload32x2 => (false, I32X4),
        Opcode::Sload32x2 => (true, I32X4),
        _ => return false,
    };
    let (mem, half) = (access(ctx, inst, 0), temp(ctx));
    ctx.emit(Inst::Load { op: Op::Lrvg, dst: half, mem });
    let mut src = new(ctx);
    pair_to(ctx, src, half, half);
    if !is_little(ctx, inst) && from != I8X16 {
        let turned = new(ctx);
        shuffle::shuffle_to(ctx, turned, src, src, reversal(from));
        src = turned;
    }
    let (op, dst) = (if signed { Vop::Vupl } else { Vop::Vupll }, ctx.result(inst, 0));
    two_to(ctx, op, [size(from), 0, 0], dst, src);
    true
}

/// The bytes of each lane in reverse.
fn reversal(ty: Type) -> [u8; 16] {
    let bytes = 1 << size(ty);
    std::array::from_fn(|n| {
        let n = n as u8;
        n / bytes * bytes + (bytes - 1 - n % bytes)
    })
}

/// The numbers of bytes that exchange a vector's lanes for each other.
fn lanes_in_reverse(ty: Type) -> [u8; 16] {
    let bytes = 1 << size(ty);
    std::array::from_fn(|n| {
        let n = n as u8;
        (15 - n) / bytes * bytes + n % bytes
    })
}

/// Whether an access has the lowest byte first. Of bytes both orders are the same.
fn is_little(ctx: &Ctx<'_>, inst: IrInst) -> bool {
    ctx.mem_flags(inst).0.endianness == Some(Endianness::Little)
}

/// The access to the 8 bytes behind, and that to the 8 at the address.
fn halves(ctx: &mut Ctx<'_>, inst: IrInst, n: usize) -> (Mem, Mem) {
    let first = access(ctx, inst, n);
    let moved = |addr: StackAddr| match addr {
        StackAddr::ArgArea(offset) => StackAddr::ArgArea(offset + 8),
        StackAddr::Outgoing(offset) => StackAddr::Outgoing(offset + 8),
        StackAddr::Slot(offset) => StackAddr::Slot(offset + 8),
    };
    let addr = match first.addr {
        Addr::Base(base, offset) if fits20(i64::from(offset) + 8) => Addr::Base(base, offset + 8),
        Addr::Index(base, index, offset) if fits20(i64::from(offset) + 8) => {
            Addr::Index(base, index, offset + 8)
        }
        Addr::Stack(addr) => Addr::Stack(moved(addr)),
        addr => {
            let dst = temp(ctx);
            ctx.emit(Inst::Address { dst, mem: Mem { addr, trap: None } });
            Addr::Base(dst, 8)
        }
    };
    (Mem { addr, ..first }, first)
}

fn load(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let little = is_little(ctx, inst) || ty == I8X16;
    if little && !ctx.backend.features.vxe2() {
        let (behind, first) = halves(ctx, inst, 0);
        let [high, low] = [behind, first].map(|mem| {
            let dst = temp(ctx);
            ctx.emit(Inst::Load { op: Op::Lrvg, dst, mem });
            dst
        });
        let dst = ctx.result(inst, 0);
        return pair_to(ctx, dst, high, low);
    }
    let (mem, dst) = (access(ctx, inst, 0), ctx.result(inst, 0));
    if ctx.backend.features.vxe2() {
        let (op, m) = if little { (Vop::Vlbr, 4) } else { (Vop::Vler, size(ty)) };
        return ctx.emit(Inst::Vec(VecInst::Load { op, m, dst, mem }));
    }
    let raw = new(ctx);
    ctx.emit(Inst::Vec(VecInst::Load { op: Vop::Vl, m: 0, dst: raw, mem }));
    shuffle::shuffle_to(ctx, dst, raw, raw, lanes_in_reverse(ty));
}

/// The bytes behind come first: where memory ends between the halves nothing is written.
fn store(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let little = is_little(ctx, inst) || ty == I8X16;
    let mut src = ctx.reg(ctx.arg(inst, 0));
    if little && !ctx.backend.features.vxe2() {
        let (behind, first) = halves(ctx, inst, 1);
        for (mem, low) in [(behind, false), (first, true)] {
            let src = half(ctx, src, low);
            ctx.emit(Inst::Store { op: Op::Strvg, src, mem });
        }
        return;
    }
    let mem = access(ctx, inst, 1);
    if ctx.backend.features.vxe2() {
        let (op, m) = if little { (Vop::Vstbr, 4) } else { (Vop::Vster, size(ty)) };
        return ctx.emit(Inst::Vec(VecInst::Store { op, m, src, mem }));
    }
    let turned = new(ctx);
    shuffle::shuffle_to(ctx, turned, src, src, lanes_in_reverse(ty));
    src = turned;
    ctx.emit(Inst::Vec(VecInst::Store { op: Vop::Vst, m: 0, src, mem }));
}
