//! Loads and stores of linear memory.
//!
//! Problem: an access outside of the memory must trap. Approach: with guard pages
//! an access of a 32-bit memory cannot leave the reservation, and faults outside
//! the memory: it is one instruction, and for some stores another one before, since
//! not every machine does all of a store or nothing. Otherwise one comparison checks it: of the
//! index with the size less what the access adds to it, if the memory is never
//! smaller than that, else of their sum with the size.

use super::state::Translator;
use crate::WasmError;
use sidetrack_ir::types::{F32, F64, I32, I64};
use sidetrack_ir::{AliasRegion, Endianness, Extra, IntCC, MemFlags, Opcode, TrapCode, Type, Value};
use wasmparser::{MemArg, MemArgTarget, Operator};

const PAGE: u64 = 1 << 16;

/// Translates an operator that control reaches.
pub(super) fn translate(t: &mut Translator<'_>, operator: &Operator<'_>, pc: u64) -> Result<(), WasmError> {
    use Operator as O;
    const NONE: Type = Type::INVALID;
    match operator {
        O::I32Load { memarg } => load(t, memarg, Opcode::Load, I32, 4),
        O::I64Load { memarg } => load(t, memarg, Opcode::Load, I64, 8),
        O::F32Load { memarg } => load(t, memarg, Opcode::Load, F32, 4),
        O::F64Load { memarg } => load(t, memarg, Opcode::Load, F64, 8),
        O::I32Load8S { memarg } => load(t, memarg, Opcode::Sload8, I32, 1),
        O::I32Load8U { memarg } => load(t, memarg, Opcode::Uload8, I32, 1),
        O::I32Load16S { memarg } => load(t, memarg, Opcode::Sload16, I32, 2),
        O::I32Load16U { memarg } => load(t, memarg, Opcode::Uload16, I32, 2),
        O::I64Load8S { memarg } => load(t, memarg, Opcode::Sload8, I64, 1),
        O::I64Load8U { memarg } => load(t, memarg, Opcode::Uload8, I64, 1),
        O::I64Load16S { memarg } => load(t, memarg, Opcode::Sload16, I64, 2),
        O::I64Load16U { memarg } => load(t, memarg, Opcode::Uload16, I64, 2),
        O::I64Load32S { memarg } => load(t, memarg, Opcode::Sload32, NONE, 4),
        O::I64Load32U { memarg } => load(t, memarg, Opcode::Uload32, NONE, 4),
        O::I32Store { memarg } | O::F32Store { memarg } => store(t, memarg, Opcode::Store, 4),
        O::I64Store { memarg } | O::F64Store { memarg } => store(t, memarg, Opcode::Store, 8),
        O::I32Store8 { memarg } | O::I64Store8 { memarg } => store(t, memarg, Opcode::Istore8, 1),
        O::I32Store16 { memarg } | O::I64Store16 { memarg } => store(t, memarg, Opcode::Istore16, 2),
        O::I64Store32 { memarg } => store(t, memarg, Opcode::Istore32, 4),
        _ => return super::tables::translate(t, operator, pc),
    }
    Ok(())
}

/// Where an access goes.
pub(super) struct Place {
    pub flags: MemFlags,
    pub address: Value,
    pub offset: i32,
}

fn load(t: &mut Translator<'_>, memarg: &MemArg, opcode: Opcode, ty: Type, bytes: u64) {
    if let Some(place) = t.pop_place(memarg, bytes) {
        let value = t.b.load(opcode, ty, place.flags, place.address, place.offset);
        t.push(value);
    }
}

fn store(t: &mut Translator<'_>, memarg: &MemArg, opcode: Opcode, bytes: u64) {
    let value = t.pop();
    if let Some(place) = t.pop_place_of_store(memarg, bytes) {
        t.b.store(opcode, place.flags, value, place.address, place.offset);
    }
}

/// The memory that an access names.
pub(super) fn memory_of(memarg: &MemArg) -> u32 {
    match memarg.target {
        MemArgTarget::Memory(index) | MemArgTarget::Array(index) => index,
    }
}

impl Translator<'_> {
    /// Pops an index and makes the place of an access of `bytes` bytes, checked.
    /// `None` if the access always traps; then control does not go on.
    pub fn pop_place(&mut self, memarg: &MemArg, bytes: u64) -> Option<Place> {
        let index = self.pop();
        let memory = memory_of(memarg);
        let ty = self.info.memories[memory as usize];
        let constant = self.constant(index);
        let least = ty.limits.min.saturating_mul(PAGE);
        let end = memarg.offset.checked_add(bytes);
        let inside = constant
            .zip(end)
            .is_some_and(|(index, end)| index.checked_add(end).is_some_and(|last| last <= least));
        let unguarded = ty.memory64 || !self.options.guard_pages;
        if unguarded && !inside {
            let Some(end) = end else {
                self.b.trap(TrapCode::HEAP_OUT_OF_BOUNDS);
                self.reachable = false;
                return None;
            };
            self.check_bounds(memory, index, end, least);
        }
        let trap = (!unguarded && !inside).then_some(TrapCode::HEAP_OUT_OF_BOUNDS);
        let flags = MemFlags {
            region: Some(AliasRegion::Heap),
            endianness: Some(Endianness::Little),
            trap,
            ..MemFlags::default()
        };
        let base = self.memory_base(memory);
        if let Some(index) = constant
            && let Ok(offset) = i32::try_from(u128::from(index) + u128::from(memarg.offset))
        {
            return Some(Place { flags, address: base, offset });
        }
        let index = self.index64(index);
        let address = self.b.op(Opcode::Iadd, &[base, index]);
        Some(match i32::try_from(memarg.offset) {
            Ok(offset) => Place { flags, address, offset },
            Err(_) => {
                let offset = self.b.iconst(I64, memarg.offset as i64);
                Place { flags, address: self.b.op(Opcode::Iadd, &[address, offset]), offset: 0 }
            }
        })
    }

    /// As [`Self::pop_place`], for a store: it writes all bytes or traps and writes none,
    /// also where the machine would write those that are inside.
    pub fn pop_place_of_store(&mut self, memarg: &MemArg, bytes: u64) -> Option<Place> {
        let mut place = self.pop_place(memarg, bytes)?;
        if place.flags.trap.is_some() && bytes > u64::from(self.options.whole_stores).max(1) {
            // If there is the last byte, there are all; so it is this that traps.
            let last = bytes as i32 - 1;
            let (address, offset) = match place.offset.checked_add(last) {
                Some(offset) => (place.address, offset),
                None => {
                    let last = self.b.iconst(I64, last.into());
                    (self.b.op(Opcode::Iadd, &[place.address, last]), place.offset)
                }
            };
            self.b.load(Opcode::Uload8, I32, place.flags, address, offset);
            place.flags.trap = None;
        }
        Some(place)
    }

    /// Traps if `index + end` is beyond the memory, which is never smaller than
    /// `least`.
    fn check_bounds(&mut self, memory: u32, index: Value, end: u64, least: u64) {
        const CODE: TrapCode = TrapCode::HEAP_OUT_OF_BOUNDS;
        let narrow = self.ty(index) == I32;
        let index = self.index64(index);
        let size = self.memory_bytes(memory);
        let end_value = self.b.iconst(I64, end as i64);
        if end <= least {
            let limit = self.b.op(Opcode::Isub, &[size, end_value]);
            return self.trap_if(IntCC::UnsignedGreaterThan, index, limit, CODE);
        }
        let last = if narrow && end <= u64::from(u32::MAX) + PAGE {
            self.b.op(Opcode::Iadd, &[index, end_value])
        } else {
            let extra = Extra::Trap(CODE);
            let inst = self.b.inst(Opcode::UaddOverflowTrap, I64, &[index, end_value], extra);
            self.b.func.dfg.first_result(inst)
        };
        self.trap_if(IntCC::UnsignedGreaterThan, last, size, CODE);
    }
}
