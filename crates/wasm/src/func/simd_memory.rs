//! Loads and stores of vectors and of their lanes.

use super::memory::Place;
use super::state::Translator;
use crate::WasmError;
use sidetrack_ir::types::{I8, I8X16, I16, I16X8, I32, I32X4, I64, I64X2};
use sidetrack_ir::{Opcode, Type, Value};
use wasmparser::{MemArg, Operator};

/// Translates an operator that control reaches.
pub(super) fn translate(t: &mut Translator<'_>, operator: &Operator<'_>, pc: u64) -> Result<(), WasmError> {
    use Opcode as Op;
    use Operator as O;
    const NONE: Type = Type::INVALID;
    match operator {
        O::V128Load { memarg } => load(t, memarg, Op::Load, I8X16, 16),
        O::V128Load8x8S { memarg } => load(t, memarg, Op::Sload8x8, NONE, 8),
        O::V128Load8x8U { memarg } => load(t, memarg, Op::Uload8x8, NONE, 8),
        O::V128Load16x4S { memarg } => load(t, memarg, Op::Sload16x4, NONE, 8),
        O::V128Load16x4U { memarg } => load(t, memarg, Op::Uload16x4, NONE, 8),
        O::V128Load32x2S { memarg } => load(t, memarg, Op::Sload32x2, NONE, 8),
        O::V128Load32x2U { memarg } => load(t, memarg, Op::Uload32x2, NONE, 8),
        O::V128Load8Splat { memarg } => load_into(t, memarg, I8, Op::Splat, I8X16),
        O::V128Load16Splat { memarg } => load_into(t, memarg, I16, Op::Splat, I16X8),
        O::V128Load32Splat { memarg } => load_into(t, memarg, I32, Op::Splat, I32X4),
        O::V128Load64Splat { memarg } => load_into(t, memarg, I64, Op::Splat, I64X2),
        O::V128Load32Zero { memarg } => load_into(t, memarg, I32, Op::ScalarToVector, I32X4),
        O::V128Load64Zero { memarg } => load_into(t, memarg, I64, Op::ScalarToVector, I64X2),
        O::V128Store { memarg } => {
            let value = t.pop_vector(I8X16);
            store(t, memarg, value, 16);
        }
        O::V128Load8Lane { memarg, lane } => load_lane(t, memarg, I8X16, *lane),
        O::V128Load16Lane { memarg, lane } => load_lane(t, memarg, I16X8, *lane),
        O::V128Load32Lane { memarg, lane } => load_lane(t, memarg, I32X4, *lane),
        O::V128Load64Lane { memarg, lane } => load_lane(t, memarg, I64X2, *lane),
        O::V128Store8Lane { memarg, lane } => store_lane(t, memarg, I8X16, *lane),
        O::V128Store16Lane { memarg, lane } => store_lane(t, memarg, I16X8, *lane),
        O::V128Store32Lane { memarg, lane } => store_lane(t, memarg, I32X4, *lane),
        O::V128Store64Lane { memarg, lane } => store_lane(t, memarg, I64X2, *lane),
        _ => return super::atomics::translate(t, operator, pc),
    }
    Ok(())
}

fn load_at(t: &mut Translator<'_>, place: &Place, opcode: Opcode, ty: Type) -> Value {
    t.b.load(opcode, ty, place.flags, place.address, place.offset)
}

fn load(t: &mut Translator<'_>, memarg: &MemArg, opcode: Opcode, ty: Type, bytes: u64) {
    if let Some(place) = t.pop_place(memarg, bytes) {
        let value = load_at(t, &place, opcode, ty);
        t.push(value);
    }
}

/// Loads a scalar and makes a vector of it.
fn load_into(t: &mut Translator<'_>, memarg: &MemArg, scalar: Type, opcode: Opcode, ty: Type) {
    if let Some(place) = t.pop_place(memarg, u64::from(scalar.bytes())) {
        let value = load_at(t, &place, Opcode::Load, scalar);
        t.push(value);
        t.convert(opcode, ty);
    }
}

fn load_lane(t: &mut Translator<'_>, memarg: &MemArg, ty: Type, lane: u8) {
    let vector = t.pop_vector(ty);
    let scalar = ty.lane();
    if let Some(place) = t.pop_place(memarg, u64::from(scalar.bytes())) {
        let value = load_at(t, &place, Opcode::Load, scalar);
        let vector = t.b.insertlane(vector, value, lane);
        t.push(vector);
    }
}

fn store(t: &mut Translator<'_>, memarg: &MemArg, value: Value, bytes: u64) {
    if let Some(place) = t.pop_place_of_store(memarg, bytes) {
        t.b.store(Opcode::Store, place.flags, value, place.address, place.offset);
    }
}

fn store_lane(t: &mut Translator<'_>, memarg: &MemArg, ty: Type, lane: u8) {
    let vector = t.pop_vector(ty);
    let value = t.b.extractlane(vector, lane);
    store(t, memarg, value, u64::from(ty.lane().bytes()));
}
