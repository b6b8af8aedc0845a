//! Global values: their bases, types and the parameter that `vmctx` names.
//!
//! A chain of bases ends in `vmctx` or a symbol; it may name values declared later.

use super::VerifierErrors;
use crate::entities::*;
use crate::function::{Function, GlobalValueData};
use crate::opcode::Opcode;
use crate::signature::ArgumentPurpose;
use crate::types::{I32, I64, Type};
use cranelift_entity::SecondaryMap;

pub(super) fn check(func: &Function, errors: &mut VerifierErrors) {
    let cyclic = cyclic(func);
    for gv in func.global_values.keys() {
        let checked = match cyclic[gv] {
            true => Err("cycle: it is computed from itself".to_string()),
            false => declaration(func, gv),
        };
        if let Err(message) = checked {
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

fn base_of(func: &Function, gv: GlobalValue) -> Option<GlobalValue> {
    match func.global_values.get(gv)? {
        GlobalValueData::Load { base, .. } | GlobalValueData::IAddImm { base, .. } => Some(*base),
        _ => None,
    }
}

/// The global values whose chains of bases do not end.
fn cyclic(func: &Function) -> SecondaryMap<GlobalValue, bool> {
    let mut known: SecondaryMap<GlobalValue, bool> = SecondaryMap::new();
    let mut cyclic = SecondaryMap::new();
    for gv in func.global_values.keys() {
        let mut way = Vec::new();
        let mut at = Some(gv);
        while let Some(base) = at.filter(|&at| func.global_values.is_valid(at) && !known[at]) {
            // Until the end of the way is known: what comes back here goes round in a circle.
            (known[base], cyclic[base]) = (true, true);
            way.push(base);
            at = base_of(func, base);
        }
        let endless = at.is_some_and(|at| cyclic[at]);
        way.into_iter().for_each(|base| cyclic[base] = endless);
    }
    cyclic
}

/// Checks a global value whose chain of bases ends.
fn declaration(func: &Function, gv: GlobalValue) -> Result<(), String> {
    if let Some(base) = base_of(func, gv).filter(|&base| !func.global_values.is_valid(base)) {
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
