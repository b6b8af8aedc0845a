//! Operators on integers and floats.
//!
//! The IR's operations have WebAssembly's semantics where it defines them: shift
//! amounts are taken modulo the width, division and conversion trap alike.

use super::state::Translator;
use crate::WasmError;
use sidetrack_ir::types::{F32, F64, I8, I16, I32, I64};
use sidetrack_ir::{Extra, FloatCC, IntCC, MemFlags, Opcode, Type};
use wasmparser::Operator;

/// Translates an operator that control reaches.
pub(super) fn translate(t: &mut Translator<'_>, operator: &Operator<'_>, pc: u64) -> Result<(), WasmError> {
    use Operator as O;
    match *operator {
        O::I32Eqz => eqz(t, I32),
        O::I64Eqz => eqz(t, I64),
        O::I32Eq | O::I64Eq => t.compare(IntCC::Equal),
        O::I32Ne | O::I64Ne => t.compare(IntCC::NotEqual),
        O::I32LtS | O::I64LtS => t.compare(IntCC::SignedLessThan),
        O::I32LtU | O::I64LtU => t.compare(IntCC::UnsignedLessThan),
        O::I32GtS | O::I64GtS => t.compare(IntCC::SignedGreaterThan),
        O::I32GtU | O::I64GtU => t.compare(IntCC::UnsignedGreaterThan),
        O::I32LeS | O::I64LeS => t.compare(IntCC::SignedLessThanOrEqual),
        O::I32LeU | O::I64LeU => t.compare(IntCC::UnsignedLessThanOrEqual),
        O::I32GeS | O::I64GeS => t.compare(IntCC::SignedGreaterThanOrEqual),
        O::I32GeU | O::I64GeU => t.compare(IntCC::UnsignedGreaterThanOrEqual),
        O::F32Eq | O::F64Eq => t.compare_floats(FloatCC::Equal),
        O::F32Ne | O::F64Ne => t.compare_floats(FloatCC::NotEqual),
        O::F32Lt | O::F64Lt => t.compare_floats(FloatCC::LessThan),
        O::F32Gt | O::F64Gt => t.compare_floats(FloatCC::GreaterThan),
        O::F32Le | O::F64Le => t.compare_floats(FloatCC::LessThanOrEqual),
        O::F32Ge | O::F64Ge => t.compare_floats(FloatCC::GreaterThanOrEqual),

        O::I32Clz | O::I64Clz => t.unary(Opcode::Clz),
        O::I32Ctz | O::I64Ctz => t.unary(Opcode::Ctz),
        O::I32Popcnt | O::I64Popcnt => t.unary(Opcode::Popcnt),
        O::I32Add | O::I64Add => t.binary(Opcode::Iadd),
        O::I32Sub | O::I64Sub => t.binary(Opcode::Isub),
        O::I32Mul | O::I64Mul => t.binary(Opcode::Imul),
        O::I32DivS | O::I64DivS => t.binary(Opcode::Sdiv),
        O::I32DivU | O::I64DivU => t.binary(Opcode::Udiv),
        O::I32RemS | O::I64RemS => t.binary(Opcode::Srem),
        O::I32RemU | O::I64RemU => t.binary(Opcode::Urem),
        O::I32And | O::I64And => t.binary(Opcode::Band),
        O::I32Or | O::I64Or => t.binary(Opcode::Bor),
        O::I32Xor | O::I64Xor => t.binary(Opcode::Bxor),
        O::I32Shl | O::I64Shl => t.binary(Opcode::Ishl),
        O::I32ShrS | O::I64ShrS => t.binary(Opcode::Sshr),
        O::I32ShrU | O::I64ShrU => t.binary(Opcode::Ushr),
        O::I32Rotl | O::I64Rotl => t.binary(Opcode::Rotl),
        O::I32Rotr | O::I64Rotr => t.binary(Opcode::Rotr),

        O::F32Abs | O::F64Abs => t.unary(Opcode::Fabs),
        O::F32Neg | O::F64Neg => t.unary(Opcode::Fneg),
        O::F32Ceil | O::F64Ceil => t.unary(Opcode::Ceil),
        O::F32Floor | O::F64Floor => t.unary(Opcode::Floor),
        O::F32Trunc | O::F64Trunc => t.unary(Opcode::Trunc),
        O::F32Nearest | O::F64Nearest => t.unary(Opcode::Nearest),
        O::F32Sqrt | O::F64Sqrt => t.unary(Opcode::Sqrt),
        O::F32Add | O::F64Add => t.binary(Opcode::Fadd),
        O::F32Sub | O::F64Sub => t.binary(Opcode::Fsub),
        O::F32Mul | O::F64Mul => t.binary(Opcode::Fmul),
        O::F32Div | O::F64Div => t.binary(Opcode::Fdiv),
        O::F32Min | O::F64Min => t.binary(Opcode::Fmin),
        O::F32Max | O::F64Max => t.binary(Opcode::Fmax),
        O::F32Copysign | O::F64Copysign => t.binary(Opcode::Fcopysign),

        O::I32WrapI64 => t.convert(Opcode::Ireduce, I32),
        O::I64ExtendI32S => t.convert(Opcode::Sextend, I64),
        O::I64ExtendI32U => t.convert(Opcode::Uextend, I64),
        O::I32Extend8S => extend_from(t, I8, I32),
        O::I32Extend16S => extend_from(t, I16, I32),
        O::I64Extend8S => extend_from(t, I8, I64),
        O::I64Extend16S => extend_from(t, I16, I64),
        O::I64Extend32S => extend_from(t, I32, I64),
        O::I32TruncF32S | O::I32TruncF64S => t.convert(Opcode::FcvtToSint, I32),
        O::I32TruncF32U | O::I32TruncF64U => t.convert(Opcode::FcvtToUint, I32),
        O::I64TruncF32S | O::I64TruncF64S => t.convert(Opcode::FcvtToSint, I64),
        O::I64TruncF32U | O::I64TruncF64U => t.convert(Opcode::FcvtToUint, I64),
        O::I32TruncSatF32S | O::I32TruncSatF64S => t.convert(Opcode::FcvtToSintSat, I32),
        O::I32TruncSatF32U | O::I32TruncSatF64U => t.convert(Opcode::FcvtToUintSat, I32),
        O::I64TruncSatF32S | O::I64TruncSatF64S => t.convert(Opcode::FcvtToSintSat, I64),
        O::I64TruncSatF32U | O::I64TruncSatF64U => t.convert(Opcode::FcvtToUintSat, I64),
        O::F32ConvertI32S | O::F32ConvertI64S => t.convert(Opcode::FcvtFromSint, F32),
        O::F32ConvertI32U | O::F32ConvertI64U => t.convert(Opcode::FcvtFromUint, F32),
        O::F64ConvertI32S | O::F64ConvertI64S => t.convert(Opcode::FcvtFromSint, F64),
        O::F64ConvertI32U | O::F64ConvertI64U => t.convert(Opcode::FcvtFromUint, F64),
        O::F32DemoteF64 => t.convert(Opcode::Fdemote, F32),
        O::F64PromoteF32 => t.convert(Opcode::Fpromote, F64),
        O::I32ReinterpretF32 => bitcast(t, I32),
        O::I64ReinterpretF64 => bitcast(t, I64),
        O::F32ReinterpretI32 => bitcast(t, F32),
        O::F64ReinterpretI64 => bitcast(t, F64),
        _ => return super::memory::translate(t, operator, pc),
    }
    Ok(())
}

/// Whether an integer is zero, as an `i32`. The negation of a comparison is the
/// comparison that holds when it does not.
fn eqz(t: &mut Translator<'_>, ty: Type) {
    let x = t.pop_condition();
    let ty = if t.ty(x) == I8 { I8 } else { ty };
    let dfg = &t.b.func.dfg;
    let negated = dfg.def_inst(x).and_then(|inst| match (dfg.insts[inst].opcode, dfg.insts[inst].extra) {
        (Opcode::Icmp, Extra::IntCC(cc)) if ty == I8 => Some((cc.complement(), dfg.args(inst).to_vec())),
        _ => None,
    });
    let result = match negated {
        Some((cc, args)) => t.b.icmp(cc, args[0], args[1]),
        None => {
            let zero = t.b.iconst(ty, 0);
            t.b.icmp(IntCC::Equal, x, zero)
        }
    };
    t.push_bool(result);
}

fn extend_from(t: &mut Translator<'_>, from: Type, to: Type) {
    t.convert(Opcode::Ireduce, from);
    t.convert(Opcode::Sextend, to);
}

fn bitcast(t: &mut Translator<'_>, ty: Type) {
    let x = t.pop();
    let inst = t.b.inst(Opcode::Bitcast, ty, &[x], Extra::Mem(MemFlags::default(), 0));
    let result = t.b.func.dfg.first_result(inst);
    t.push(result);
}
