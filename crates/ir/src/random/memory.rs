//! Accesses to stack slots, always within their bounds.

use super::Body;
use crate::data_value::DataValue;
use crate::entities::{StackSlot, Value};
use crate::function::StackSlotData;
use crate::inst::{AtomicRmwOp, Extra};
use crate::memflags::{AliasRegion, Endianness, MemFlags};
use crate::opcode::{Ctrl, Opcode};
use crate::types::{I8, I64, Type};

/// The size in bytes of the smallest slot.
const WORD: u32 = 8;

impl Body<'_> {
    /// Makes slots and fills them.
    pub(super) fn make_slots(&mut self) {
        let count = if self.config.memory { self.entropy.below(4) } else { 0 };
        for _ in 0..count {
            let words = 1u32 << self.entropy.below(4);
            let slot = StackSlotData { size: words * WORD, align_shift: 4, key: None };
            let slot = self.builder.func.stack_slots.push(slot);
            self.slots.push(slot);
            for word in 0..words {
                let value = self.operand(I64);
                let addr = self.address(slot, 0);
                let flags = MemFlags {
                    region: region(slot),
                    endianness: Some(Endianness::Little),
                    ..MemFlags::trusted()
                };
                self.spend();
                self.builder.store(Opcode::Store, flags, value, addr, (word * WORD) as i32);
            }
        }
    }

    fn address(&mut self, slot: StackSlot, offset: u32) -> Value {
        self.spend();
        self.builder.stack_addr(I64, slot, offset as i32)
    }

    /// A load or store of any opcode.
    pub(super) fn access(&mut self) {
        if self.slots.is_empty() {
            return self.scalar();
        }
        let slot = self.entropy.pick(&self.slots);
        let mut accesses = vec![
            Opcode::Load,
            Opcode::Store,
            Opcode::Load,
            Opcode::Store,
            Opcode::Uload8,
            Opcode::Sload8,
            Opcode::Uload16,
            Opcode::Sload16,
            Opcode::Uload32,
            Opcode::Sload32,
            Opcode::Istore8,
            Opcode::Istore16,
            Opcode::Istore32,
        ];
        if self.config.vectors {
            accesses.extend([
                Opcode::Uload8x8,
                Opcode::Sload8x8,
                Opcode::Uload16x4,
                Opcode::Sload16x4,
                Opcode::Uload32x2,
                Opcode::Sload32x2,
            ]);
        }
        let opcode = self.entropy.pick(&accesses);
        let ty = self.control_type(opcode);
        let size = match opcode {
            Opcode::Load | Opcode::Store => ty.bytes(),
            Opcode::Uload8 | Opcode::Sload8 | Opcode::Istore8 => 1,
            Opcode::Uload16 | Opcode::Sload16 | Opcode::Istore16 => 2,
            Opcode::Uload32 | Opcode::Sload32 | Opcode::Istore32 => 4,
            _ => 8,
        };
        if size > self.builder.func.stack_slots[slot].size {
            return self.scalar();
        }
        let (addr, offset, aligned) = self.place(slot, size);
        let flags = MemFlags {
            aligned: aligned && self.entropy.one_in(2),
            endianness: self.endianness(),
            region: region(slot),
            ..if self.entropy.one_in(2) { MemFlags::trusted() } else { MemFlags::default() }
        };
        let flags = MemFlags { aligned: flags.aligned && aligned, ..flags };
        self.spend();
        if opcode.can_store() {
            let value = self.operand(if ty == Type::INVALID { I64 } else { ty });
            let extra = Extra::Mem(flags, offset);
            self.builder.inst(opcode, ty, &[value, addr], extra);
        } else {
            let value = self.builder.load(opcode, ty, flags, addr, offset);
            self.scope.push(value);
        }
    }

    /// An atomic access to an aligned place.
    pub(super) fn atomic(&mut self) {
        if self.slots.is_empty() || !self.config.atomics {
            return self.scalar();
        }
        let slot = self.entropy.pick(&self.slots);
        let operations =
            [Opcode::AtomicRmw, Opcode::AtomicCas, Opcode::AtomicLoad, Opcode::AtomicStore, Opcode::Fence];
        let opcode = self.entropy.pick(&operations);
        let ty = self.control_type(opcode);
        let slot_size = self.builder.func.stack_slots[slot].size;
        let size = ty.bytes().max(1);
        let index = self.entropy.below((slot_size / size) as usize) as u32;
        let flags =
            MemFlags { region: region(slot), endianness: Some(Endianness::Little), ..MemFlags::trusted() };
        let extra = match opcode {
            Opcode::AtomicRmw => {
                let (op, _) = self.entropy.pick(&AtomicRmwOp::NAMED);
                Extra::Atomic(flags, op)
            }
            Opcode::Fence => Extra::None,
            _ => Extra::Mem(flags, 0),
        };
        let args = match opcode {
            Opcode::Fence => vec![],
            Opcode::AtomicLoad => vec![self.address(slot, index * size)],
            Opcode::AtomicStore => vec![self.operand(ty), self.address(slot, index * size)],
            Opcode::AtomicRmw => vec![self.address(slot, index * size), self.operand(ty)],
            _ => vec![self.address(slot, index * size), self.operand(ty), self.operand(ty)],
        };
        self.spend();
        let inst = self.builder.inst(opcode, ty, &args, extra);
        self.scope.extend_from_slice(self.builder.func.dfg.results(inst));
    }

    fn control_type(&mut self, opcode: Opcode) -> Type {
        if opcode.info().ctrl == Ctrl::None {
            return Type::INVALID;
        }
        let types = self.types_in_use().filter(|&ty| opcode.info().types.contains(ty));
        let types: Vec<Type> = types.collect();
        self.entropy.pick(&types)
    }

    /// A byte order that is the same on every target.
    pub(super) fn endianness(&mut self) -> Option<Endianness> {
        let little = Some(Endianness::Little);
        let orders = [little, little, little, Some(Endianness::Big)];
        self.entropy.pick(if self.config.big_endian { &orders } else { &orders[..3] })
    }

    /// An address and offset with `size` bytes of the slot, and whether the sum is
    /// known to be a multiple of the size.
    fn place(&mut self, slot: StackSlot, size: u32) -> (Value, i32, bool) {
        let slot_size = self.builder.func.stack_slots[slot].size;
        let past = slot_size - size + 1;
        if self.entropy.one_in(3) {
            // base + (index & mask) + offset: the mask is below a power of two.
            let mask = (past.next_power_of_two() / 2).max(1) - 1;
            let offset = self.entropy.below((past - mask) as usize) as i32;
            let index = self.operand(I64);
            let mask = self.constant(DataValue::I64(i64::from(mask)));
            let index = self.op(Opcode::Band, &[index, mask]);
            let base = self.address(slot, 0);
            return (self.op(Opcode::Iadd, &[base, index]), offset, false);
        }
        let total = self.entropy.below(past as usize) as u32;
        let total = if self.entropy.one_in(2) { total } else { total / size * size };
        let in_address = self.entropy.below(total as usize + 1) as u32;
        let addr = self.address(slot, in_address);
        (addr, (total - in_address) as i32, total % size == 0)
    }

    /// An i8 that is not zero unless `may_be_zero`.
    pub(super) fn condition(&mut self, may_be_zero: bool) -> Value {
        let value = self.operand(I8);
        if may_be_zero {
            return value;
        }
        let one = self.constant(DataValue::I8(1));
        self.op(Opcode::Bor, &[value, one])
    }
}

/// Every slot is accessed through one region, as flags promise.
fn region(slot: StackSlot) -> Option<AliasRegion> {
    [None, Some(AliasRegion::Heap), Some(AliasRegion::Table)][slot.as_u32() as usize % 3]
}
