//! Global values: their bases, types and the parameter that `vmctx` names.
//!
//! A chain of bases ends in `vmctx` or a symbol; it may name values declared later.

use super::VerifierErrors;
use crate::entities::*;
use crate::function::{Function, GlobalValueData};
use crate::opcode::Opcode;
use crate::signature::ArgumentPurpose;
use crate::types::{I32, I64, Type};

pub(super) fn check(func: &Function, errors: &mut VerifierErrors) {
    for gv in func.global_values.keys() {
        if let Err(message) = declaration(func, gv) {
            errors.add(AnyEntity::GlobalValue(gv), format!("{gv}: {message}"));
        }
    }
}

/// The type of a global value; `None` for a symbol's address, which is as wide as
/// the target's pointers. The value's chain of bases has no cycle.
fn ty(func: &Function, gv: GlobalValue) -> Option<Type> {
    match func.global_values.get(gv)? {
        GlobalValueData::VMContext => {
            let mut params = func.signature.params.iter();
            params.find(|param| param.purpose == ArgumentPurpose::VMContext).map(|param| param.ty)
        }
        GlobalValueData::Load { ty, .. } | GlobalValueData::IAddImm { ty, .. } => Some(*ty),
        GlobalValueData::Symbol { .. } => None,
    }
}

fn declaration(func: &Function, gv: GlobalValue) -> Result<(), String> {
    let base_of = |gv: GlobalValue| match func.global_values.get(gv)? {
        GlobalValueData::Load { base, .. } | GlobalValueData::IAddImm { base, .. } => Some(*base),
        _ => None,
    };
    let mut at = base_of(gv);
    for _ in 0..func.global_values.len() {
        let Some(base) = at else { break };
        at = base_of(base);
    }
    if at.is_some() {
        return Err("cycle: it is computed from itself".to_string());
    }
    if let Some(base) = base_of(gv).filter(|&base| !func.global_values.is_valid(base)) {
        return Err(format!("{base} does not exist"));
    }
    match func.global_values[gv] {
        GlobalValueData::VMContext if ty(func, gv).is_none() => {
            Err("no parameter of the function is vmctx".to_string())
        }
        GlobalValueData::Load { base, .. } => match ty(func, base) {
            Some(ty) if !matches!(ty, I32 | I64) => {
                Err(format!("base {base} has type {ty}, which is not the pointer type"))
            }
            _ => Ok(()),
        },
        GlobalValueData::IAddImm { ty: own, .. } if !own.is_int() => {
            Err(format!("iadd_imm cannot have type {own}"))
        }
        GlobalValueData::IAddImm { base, ty: expected, .. } => match ty(func, base) {
            Some(ty) if ty != expected => Err(format!("base {base} has type {ty}, expected {expected}")),
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

/// What an instruction that names a global value may name, and its type.
pub(super) fn instruction(func: &Function, inst: Inst, gv: GlobalValue, errors: &mut VerifierErrors) {
    let data = &func.dfg.insts[inst];
    let symbol = matches!(func.global_values[gv], GlobalValueData::Symbol { .. });
    if data.opcode != Opcode::GlobalValue && !symbol {
        errors.inst(func, inst, format_args!("{} needs a symbol, but {gv} is none", data.opcode));
    }
    match ty(func, gv) {
        Some(ty) if ty != data.ty => {
            errors.inst(func, inst, format_args!("{gv} has type {ty}, expected {}", data.ty));
        }
        None if !matches!(data.ty, I32 | I64) => {
            errors.inst(func, inst, format_args!("an address cannot have type {}", data.ty));
        }
        _ => {}
    }
}
