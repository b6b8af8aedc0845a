//! Pure evaluation of operations on values, one instruction at a time.
//!
//! Problem: the interpreter runs instructions and the optimiser folds them; both
//! must agree to the bit. Approach: one function from opcode, controlling type,
//! immediates and arguments to results. Operands are checked against the opcode
//! table, so ill-typed IR gives an error, never a panic.
//!
//! NaN: `fneg`, `fabs`, `fcopysign`, `bitcast`, `select` and the logic operations
//! move bits and keep payloads. Everything else that takes a NaN gives a quiet
//! NaN, and an invalid operation makes one; CLIF leaves sign and payload open.
//! Here the first NaN operand comes out quieted, and a NaN made from numbers is
//! x86's default (sign set, payload zero). Oracles compare with
//! [`same_modulo_nan`].

mod convert;
mod float;
mod integer;
mod vector;

#[cfg(test)]
mod tests;

use crate::data_value::DataValue;
use crate::inst::Extra;
use crate::memflags::TrapCode;
use crate::opcode::{Ctrl, Opcode};
use crate::types::Type;
use smallvec::{SmallVec, smallvec};

/// The results of an instruction.
pub type Results = SmallVec<[DataValue; 2]>;

/// Why an instruction gives no results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvalError {
    /// It traps.
    Trap(TrapCode),
    /// It is no operation on values alone, or its operands do not fit.
    NotScalar,
}

/// Evaluates an operation on scalars or vectors: constants, choice, comparison,
/// arithmetic, bits, lanes and conversions. `ty` is the controlling type.
pub fn eval(opcode: Opcode, ty: Type, extra: &Extra, args: &[DataValue]) -> Result<Results, EvalError> {
    let info = opcode.info();
    let typed = info.types.contains(ty)
        && info.args.len() == args.len()
        && info.args.iter().zip(args).all(|(operand, arg)| operand.accepts(ty, arg.ty()));
    if !typed {
        return Err(EvalError::NotScalar);
    }
    match opcode {
        Opcode::Iconst | Opcode::F32const | Opcode::F64const => {
            let Extra::Imm(imm) = *extra else { return Err(EvalError::NotScalar) };
            let ty = if info.ctrl == Ctrl::None { result_type(opcode)? } else { ty };
            Ok(smallvec![DataValue::from_bits(ty, imm as u64)])
        }
        Opcode::Vconst => match *extra {
            Extra::Bytes(bytes) => Ok(smallvec![DataValue::V128(ty, bytes)]),
            _ => Err(EvalError::NotScalar),
        },
        Opcode::Select | Opcode::SelectSpectreGuard => {
            Ok(smallvec![if args[0].bits() != 0 { args[1] } else { args[2] }])
        }
        _ if ty.is_vector() || args.iter().any(|arg| arg.ty().is_vector()) => {
            vector::eval(opcode, ty, extra, args).ok_or(EvalError::NotScalar)
        }
        _ => {
            if let Some(result) = integer::eval(opcode, ty, extra, args) {
                return result.map_err(EvalError::Trap);
            }
            if let Some(result) = float::eval(opcode, extra, args) {
                return Ok(smallvec![result]);
            }
            match convert::eval(opcode, ty, args) {
                Some(result) => result.map(|value| smallvec![value]).map_err(EvalError::Trap),
                None => Err(EvalError::NotScalar),
            }
        }
    }
}

fn result_type(opcode: Opcode) -> Result<Type, EvalError> {
    let fixed = opcode.info().results.first().and_then(|ty| ty.resolve(Type::INVALID));
    fixed.ok_or(EvalError::NotScalar)
}

/// Whether two values are the same, all NaNs of a type counting as one.
pub fn same_modulo_nan(a: DataValue, b: DataValue) -> bool {
    let same = |(a, b): (&DataValue, &DataValue)| a == b || (a.is_nan() && b.is_nan());
    a.ty() == b.ty() && a.lanes().iter().zip(&b.lanes()).all(same)
}
