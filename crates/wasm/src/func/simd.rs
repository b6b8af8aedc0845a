//! Vectors: constants, lanes, bits; and how operands of different shapes mix.
//!
//! On the operand stack a vector has the shape of the operation that made it. An
//! operation that wants another shape gets a `bitcast`. Where a value leaves the
//! stack (locals, blocks, calls, globals) it is `i8x16`.

use super::state::Translator;
use crate::WasmError;
use sidetrack_ir::types::{F32X4, F64X2, I8, I8X16, I16, I16X8, I32, I32X4, I64X2};
use sidetrack_ir::{Endianness, Extra, FloatCC, IntCC, MemFlags, Opcode, Type, Value};
use wasmparser::Operator;

/// Translates an operator that control reaches.
pub(super) fn translate(t: &mut Translator<'_>, operator: &Operator<'_>, pc: u64) -> Result<(), WasmError> {
    use Opcode as Op;
    use Operator as O;
    match *operator {
        O::V128Const { value } => {
            let value = t.b.vconst(I8X16, *value.bytes());
            t.push(value);
        }
        O::I8x16Shuffle { lanes } => {
            let y = t.pop_vector(I8X16);
            let x = t.pop_vector(I8X16);
            let result = t.b.shuffle(x, y, lanes);
            t.push(result);
        }
        O::I8x16Swizzle | O::I8x16RelaxedSwizzle => t.binary_lanes(I8X16, Op::Swizzle),
        O::I8x16ExtractLaneS { lane } => {
            t.extract_lane(I8X16, lane);
            t.convert(Op::Sextend, I32);
        }
        O::I8x16ExtractLaneU { lane } => {
            t.extract_lane(I8X16, lane);
            t.convert(Op::Uextend, I32);
        }
        O::I16x8ExtractLaneS { lane } => {
            t.extract_lane(I16X8, lane);
            t.convert(Op::Sextend, I32);
        }
        O::I16x8ExtractLaneU { lane } => {
            t.extract_lane(I16X8, lane);
            t.convert(Op::Uextend, I32);
        }
        O::I32x4ExtractLane { lane } => t.extract_lane(I32X4, lane),
        O::I64x2ExtractLane { lane } => t.extract_lane(I64X2, lane),
        O::F32x4ExtractLane { lane } => t.extract_lane(F32X4, lane),
        O::F64x2ExtractLane { lane } => t.extract_lane(F64X2, lane),
        O::I8x16ReplaceLane { lane } => t.replace_lane(I8X16, lane),
        O::I16x8ReplaceLane { lane } => t.replace_lane(I16X8, lane),
        O::I32x4ReplaceLane { lane } => t.replace_lane(I32X4, lane),
        O::I64x2ReplaceLane { lane } => t.replace_lane(I64X2, lane),
        O::F32x4ReplaceLane { lane } => t.replace_lane(F32X4, lane),
        O::F64x2ReplaceLane { lane } => t.replace_lane(F64X2, lane),
        O::I8x16Splat => t.splat(I8X16),
        O::I16x8Splat => t.splat(I16X8),
        O::I32x4Splat => t.splat(I32X4),
        O::I64x2Splat => t.splat(I64X2),
        O::F32x4Splat => t.splat(F32X4),
        O::F64x2Splat => t.splat(F64X2),
        O::I8x16AllTrue => t.test_lanes(I8X16, Op::VallTrue),
        O::I8x16Bitmask => t.convert_lanes(I8X16, Op::VhighBits, I32),
        O::I16x8AllTrue => t.test_lanes(I16X8, Op::VallTrue),
        O::I16x8Bitmask => t.convert_lanes(I16X8, Op::VhighBits, I32),
        O::I32x4AllTrue => t.test_lanes(I32X4, Op::VallTrue),
        O::I32x4Bitmask => t.convert_lanes(I32X4, Op::VhighBits, I32),
        O::I64x2AllTrue => t.test_lanes(I64X2, Op::VallTrue),
        O::I64x2Bitmask => t.convert_lanes(I64X2, Op::VhighBits, I32),
        O::V128AnyTrue => t.test_lanes(I8X16, Op::VanyTrue),
        O::V128Not => t.unary_lanes(I8X16, Op::Bnot),
        O::V128And => t.binary_lanes(I8X16, Op::Band),
        O::V128Or => t.binary_lanes(I8X16, Op::Bor),
        O::V128Xor => t.binary_lanes(I8X16, Op::Bxor),
        O::V128AndNot => {
            t.unary_lanes(I8X16, Op::Bnot);
            t.binary_lanes(I8X16, Op::Band);
        }
        O::V128Bitselect
        | O::I8x16RelaxedLaneselect
        | O::I16x8RelaxedLaneselect
        | O::I32x4RelaxedLaneselect
        | O::I64x2RelaxedLaneselect => {
            let mask = t.pop_vector(I8X16);
            let y = t.pop_vector(I8X16);
            let x = t.pop_vector(I8X16);
            let result = t.b.op(Op::Bitselect, &[mask, x, y]);
            t.push(result);
        }
        _ => return super::simd_int::translate(t, operator, pc),
    }
    Ok(())
}

impl Translator<'_> {
    /// A vector in the shape `ty`.
    pub fn as_vector(&mut self, value: Value, ty: Type) -> Value {
        let dfg = &self.b.func.dfg;
        if dfg.value_type(value) == ty {
            return value;
        }
        let mut value = value;
        if let Some(inst) = dfg.def_inst(value)
            && dfg.insts[inst].opcode == Opcode::Bitcast
        {
            let before = dfg.args(inst)[0];
            if dfg.value_type(before).is_vector() {
                value = before;
            }
        }
        if self.ty(value) == ty {
            return value;
        }
        let flags = MemFlags { endianness: Some(Endianness::Little), ..MemFlags::default() };
        let inst = self.b.inst(Opcode::Bitcast, ty, &[value], Extra::Mem(flags, 0));
        self.b.func.dfg.first_result(inst)
    }

    /// Pops a vector in the shape `ty`.
    pub fn pop_vector(&mut self, ty: Type) -> Value {
        let value = self.pop();
        self.as_vector(value, ty)
    }

    /// An operation on one vector of shape `ty`.
    pub fn unary_lanes(&mut self, ty: Type, opcode: Opcode) {
        let x = self.pop_vector(ty);
        let result = self.b.op(opcode, &[x]);
        self.push(result);
    }

    /// An operation on two vectors of shape `ty`.
    pub fn binary_lanes(&mut self, ty: Type, opcode: Opcode) {
        let y = self.pop_vector(ty);
        let x = self.pop_vector(ty);
        let result = self.b.op(opcode, &[x, y]);
        self.push(result);
    }

    /// An operation on a vector of shape `ty` whose result has the type `to`.
    pub fn convert_lanes(&mut self, ty: Type, opcode: Opcode, to: Type) {
        let x = self.pop_vector(ty);
        let result = self.b.op_typed(opcode, to, &[x]);
        self.push(result);
    }

    /// Shifts the lanes of a vector of shape `ty`.
    pub fn shift_lanes(&mut self, ty: Type, opcode: Opcode) {
        let amount = self.pop();
        let x = self.pop_vector(ty);
        let result = self.b.op(opcode, &[x, amount]);
        self.push(result);
    }

    /// Compares the lanes of two vectors of shape `ty`.
    pub fn compare_lanes(&mut self, ty: Type, cc: IntCC) {
        let y = self.pop_vector(ty);
        let x = self.pop_vector(ty);
        let result = self.b.icmp(cc, x, y);
        self.push(result);
    }

    /// Compares the lanes of two vectors of shape `ty`.
    pub fn compare_float_lanes(&mut self, ty: Type, cc: FloatCC) {
        let y = self.pop_vector(ty);
        let x = self.pop_vector(ty);
        let result = self.b.fcmp(cc, x, y);
        self.push(result);
    }

    /// A truth about a vector of shape `ty`, as an `i32`.
    fn test_lanes(&mut self, ty: Type, opcode: Opcode) {
        let x = self.pop_vector(ty);
        let result = self.b.op(opcode, &[x]);
        self.push_bool(result);
    }

    fn extract_lane(&mut self, ty: Type, lane: u8) {
        let x = self.pop_vector(ty);
        let result = self.b.extractlane(x, lane);
        self.push(result);
    }

    /// Pops a scalar as a lane of a vector of shape `ty`.
    fn pop_lane(&mut self, ty: Type) -> Value {
        let x = self.pop();
        match ty.lane() {
            lane @ (I8 | I16) => self.b.op_typed(Opcode::Ireduce, lane, &[x]),
            _ => x,
        }
    }

    fn replace_lane(&mut self, ty: Type, lane: u8) {
        let x = self.pop_lane(ty);
        let vector = self.pop_vector(ty);
        let result = self.b.insertlane(vector, x, lane);
        self.push(result);
    }

    fn splat(&mut self, ty: Type) {
        let x = self.pop_lane(ty);
        let result = self.b.op_typed(Opcode::Splat, ty, &[x]);
        self.push(result);
    }
}
