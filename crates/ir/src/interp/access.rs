//! Loads, stores and atomic accesses.
//!
//! A vector is its lanes one after another, lane 0 at the lowest address, each in
//! the byte order of the access.

use super::{Interpreter, Stop};
use crate::data_value::{DataValue, Lanes};
use crate::entities::Inst;
use crate::inst::{AtomicRmwOp, Extra, InstData};
use crate::memflags::{Endianness, MemFlags};
use crate::opcode::Opcode;
use crate::types::{I16X8, I32X4, I64, I64X2, Type};

impl Interpreter<'_> {
    /// A load, store or atomic access.
    pub(super) fn access(&mut self, inst: Inst, data: &InstData, extra: Extra) -> Result<(), Stop> {
        let args = self.values(self.frame().func.dfg.args(inst))?;
        let opcode = data.opcode;
        if let Some(shape) = vector_shape(opcode, data.ty) {
            return self.vector_access(inst, &args, extra, shape);
        }
        let (size, signed) = access_size(opcode, data.ty);
        let (flags, offset) = match extra {
            Extra::Mem(flags, offset) => (flags, offset),
            Extra::Atomic(flags, _) => (flags, 0),
            _ => return Err(self.undefined("the access has no flags")),
        };
        // Stores have the value first, everything else the address.
        let stores_first = matches!(
            opcode,
            Opcode::Store | Opcode::Istore8 | Opcode::Istore16 | Opcode::Istore32 | Opcode::AtomicStore
        );
        let base = args[usize::from(stores_first)];
        let addr = base.bits().wrapping_add_signed(i64::from(offset)) & base.ty().mask();
        if stores_first {
            return self.store(flags, addr, size, args[0].bits());
        }
        let old = self.load(flags, addr, size)?;
        let bits = extended(old, size, signed);
        let ty = if data.ty == Type::INVALID { I64 } else { data.ty };
        let old = DataValue::from_bits(ty, bits);
        match extra {
            Extra::Atomic(_, op) => self.store(flags, addr, size, atomic_rmw(op, old, args[1]))?,
            _ if opcode == Opcode::AtomicCas && old == args[1] => {
                self.store(flags, addr, size, args[2].bits())?;
            }
            _ => {}
        }
        self.set_result(inst, old);
        Ok(())
    }

    /// A load or store of a vector: lane 0 at the lowest address, each lane in the
    /// order of the access.
    fn vector_access(
        &mut self,
        inst: Inst,
        args: &[DataValue],
        extra: Extra,
        (ty, size, signed): (Type, u32, bool),
    ) -> Result<(), Stop> {
        let Extra::Mem(flags, offset) = extra else {
            return Err(self.undefined("the access has no flags"));
        };
        let base = *args.last().ok_or_else(|| self.undefined("the access has no address"))?;
        let first = base.bits().wrapping_add_signed(i64::from(offset)) & base.ty().mask();
        let all = (size * ty.lane_count()) as usize;
        let addrs = (0..ty.lane_count()).map(|n| first.wrapping_add(u64::from(n * size)));
        if let [value, _] = args {
            // Nothing is written unless all is.
            if self.memory.bytes_mut(first, all).is_none() {
                return Err(self.bad_access(flags, first));
            }
            for (addr, lane) in addrs.zip(value.lanes()) {
                self.store(flags, addr, size, lane.bits())?;
            }
            return Ok(());
        }
        self.memory.bytes(first, all).ok_or_else(|| self.bad_access(flags, first))?;
        let mut lanes = Lanes::new();
        for addr in addrs {
            let bits = self.load(flags, addr, size)?;
            lanes.push(DataValue::from_bits(ty.lane(), extended(bits, size, signed)));
        }
        self.set_result(inst, DataValue::from_lanes(&lanes));
        Ok(())
    }

    pub(super) fn load(&self, flags: MemFlags, addr: u64, size: u32) -> Result<u64, Stop> {
        let bits = self.memory.read(addr, size as usize).ok_or_else(|| self.bad_access(flags, addr))?;
        Ok(in_order(flags, size, bits))
    }

    fn store(&mut self, flags: MemFlags, addr: u64, size: u32, bits: u64) -> Result<(), Stop> {
        let bits = in_order(flags, size, bits);
        self.memory.write(addr, size as usize, bits).ok_or_else(|| self.bad_access(flags, addr))
    }

    fn bad_access(&self, flags: MemFlags, addr: u64) -> Stop {
        match flags.trap {
            Some(code) => self.trap(code),
            None => self.undefined(format!("no memory at {addr:#x}, which the access promises")),
        }
    }
}

/// The type of the vector that an instruction loads or stores, the size in bytes of
/// a lane in memory, and whether a load sign-extends it.
fn vector_shape(opcode: Opcode, ty: Type) -> Option<(Type, u32, bool)> {
    Some(match opcode {
        Opcode::Uload8x8 => (I16X8, 1, false),
        Opcode::Sload8x8 => (I16X8, 1, true),
        Opcode::Uload16x4 => (I32X4, 2, false),
        Opcode::Sload16x4 => (I32X4, 2, true),
        Opcode::Uload32x2 => (I64X2, 4, false),
        Opcode::Sload32x2 => (I64X2, 4, true),
        Opcode::Load | Opcode::Store if ty.is_vector() => (ty, ty.lane().bytes(), false),
        _ => return None,
    })
}

/// The low `size` bytes, extended.
fn extended(bits: u64, size: u32, signed: bool) -> u64 {
    let unused = 64 - size * 8;
    if signed { ((bits << unused) as i64 >> unused) as u64 } else { bits }
}

/// How many bytes an access touches and whether a load sign-extends them.
fn access_size(opcode: Opcode, ty: Type) -> (u32, bool) {
    match opcode {
        Opcode::Uload8 | Opcode::Istore8 => (1, false),
        Opcode::Sload8 => (1, true),
        Opcode::Uload16 | Opcode::Istore16 => (2, false),
        Opcode::Sload16 => (2, true),
        Opcode::Uload32 | Opcode::Istore32 => (4, false),
        Opcode::Sload32 => (4, true),
        _ => (ty.bytes(), false),
    }
}

/// The number with its low `size` bytes in the order of the access.
fn in_order(flags: MemFlags, size: u32, bits: u64) -> u64 {
    match flags.endianness {
        Some(Endianness::Big) => bits.swap_bytes() >> (64 - size * 8),
        _ => bits,
    }
}

/// The bits that an `atomic_rmw` leaves in memory.
fn atomic_rmw(op: AtomicRmwOp, old: DataValue, operand: DataValue) -> u64 {
    let (a, b) = (old.bits(), operand.bits());
    let (sa, sb) = (old.sext(), operand.sext());
    match op {
        AtomicRmwOp::Add => a.wrapping_add(b),
        AtomicRmwOp::Sub => a.wrapping_sub(b),
        AtomicRmwOp::And => a & b,
        AtomicRmwOp::Nand => !(a & b),
        AtomicRmwOp::Or => a | b,
        AtomicRmwOp::Xor => a ^ b,
        AtomicRmwOp::Xchg => b,
        AtomicRmwOp::Umin => a.min(b),
        AtomicRmwOp::Umax => a.max(b),
        AtomicRmwOp::Smin => sa.min(sb) as u64,
        AtomicRmwOp::Smax => sa.max(sb) as u64,
    }
}
