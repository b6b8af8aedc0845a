//! Calls, returns, and the rules of patchable calls.

use super::VerifierErrors;
use crate::entities::*;
use crate::function::Function;
use crate::inst::{ExceptionItem, Extra};
use crate::opcode::Opcode;
use crate::signature::{AbiParam, CallConv, Signature};

pub(super) fn check(func: &Function, errors: &mut VerifierErrors) {
    preserve_all(&func.signature, AnyEntity::Function, &func.name.to_string(), errors);
    for (sig, data) in &func.dfg.signatures {
        preserve_all(data, AnyEntity::SigRef(sig), &sig.to_string(), errors);
    }
    for block in func.layout.blocks() {
        for inst in func.layout.block_insts(block) {
            let opcode = func.dfg.insts[inst].opcode;
            if opcode == Opcode::Return {
                values(func, inst, func.dfg.args(inst), &func.signature.returns, "return value", errors);
            } else if opcode.is_call() {
                call(func, inst, errors);
            }
        }
    }
}

/// A `preserve_all` callee overwrites no register, so what it returns can only
/// stand where an argument of the same type stood.
fn preserve_all(sig: &Signature, entity: AnyEntity, name: &str, errors: &mut VerifierErrors) {
    if sig.call_conv == CallConv::PreserveAll && sig.pass_through().is_none() {
        let message = format!(
            "{name}: a preserve_all signature has no return values but pass-through ones, each of the type of an \
             argument of its own"
        );
        errors.add(entity, message);
    }
}

fn values(
    func: &Function,
    inst: Inst,
    args: &[Value],
    params: &[AbiParam],
    what: &str,
    errors: &mut VerifierErrors,
) {
    if args.len() != params.len() {
        let (got, expected) = (args.len(), params.len());
        let message = format!("mismatched argument count: got {got} {what}s, expected {expected}");
        return errors.inst(func, inst, message);
    }
    for (n, (&arg, param)) in args.iter().zip(params).enumerate() {
        let ty = func.dfg.value_type(arg);
        if ty != param.ty {
            errors.inst(func, inst, format_args!("{what} {n} ({arg}) has type {ty}, expected {}", param.ty));
        }
    }
}

fn call(func: &Function, inst: Inst, errors: &mut VerifierErrors) {
    let dfg = &func.dfg;
    let Some(sig_ref) = dfg.call_signature(inst) else {
        return errors.inst(func, inst, "the call has no signature");
    };
    let sig = &dfg.signatures[sig_ref];
    values(func, inst, dfg.call_args(inst), &sig.params, "argument", errors);
    if let (Some(callee), Extra::TryCall(_, table)) = (dfg.call_target(inst), dfg.insts[inst].extra) {
        let declared = &dfg.signatures[dfg.ext_funcs[callee].signature];
        if declared != &dfg.signatures[dfg.exception_tables[table].sig] {
            errors.inst(
                func,
                inst,
                format_args!("{callee} is declared with another signature than {sig_ref}"),
            );
        }
    }
    if let Extra::TryCall(_, table) | Extra::TryCallIndirect(table) = dfg.insts[inst].extra {
        let mut seen_default = false;
        for item in &dfg.exception_tables[table].items {
            match item {
                ExceptionItem::Default(_) if seen_default => {
                    errors.inst(func, inst, "the exception table has two defaults");
                }
                ExceptionItem::Default(_) => seen_default = true,
                _ => {}
            }
        }
    }
    if dfg.insts[inst].opcode.is_return() {
        tail_call(func, inst, sig, errors);
    } else if dfg.is_patchable(inst) {
        patchable(func, inst, sig, errors);
    }
}

fn tail_call(func: &Function, inst: Inst, sig: &Signature, errors: &mut VerifierErrors) {
    let dfg = &func.dfg;
    if dfg.sites.contains_key(&inst) || dfg.call_target(inst).is_some_and(|f| dfg.ext_funcs[f].patchable) {
        errors.inst(func, inst, "a tail call is never patchable");
    }
    if func.signature.call_conv != CallConv::Tail || sig.call_conv != CallConv::Tail {
        errors.inst(func, inst, "a tail call needs the calling convention `tail` in caller and callee");
    }
    let types = |params: &[AbiParam]| params.iter().map(|param| param.ty).collect::<Vec<_>>();
    if types(&sig.returns) != types(&func.signature.returns) {
        errors.inst(func, inst, "the results of a tail call must match the function signature");
    }
}

fn patchable(func: &Function, inst: Inst, sig: &Signature, errors: &mut VerifierErrors) {
    let dfg = &func.dfg;
    if let Some(callee) = dfg.call_target(inst)
        && !dfg.ext_funcs[callee].colocated
    {
        errors.inst(
            func,
            inst,
            format_args!("the callee of a patchable call is colocated, but {callee} is not"),
        );
    }
    let ties = match dfg.sites.get(&inst).map(|site| &site.pass_through[..]) {
        None | Some([]) => return unnamed_ties(func, inst, sig, errors),
        Some(ties) => ties,
    };
    if ties.len() != sig.returns.len() {
        let (got, expected) = (ties.len(), sig.returns.len());
        return errors.inst(func, inst, format_args!("{got} pass-through values for {expected} results"));
    }
    let args = dfg.call_args(inst);
    for (n, (&tie, ret)) in ties.iter().zip(&sig.returns).enumerate() {
        match args.get(tie as usize) {
            None => errors.inst(
                func,
                inst,
                format_args!("result {n} is tied to argument {tie}, which is not there"),
            ),
            Some(&arg) if dfg.value_type(arg) != ret.ty => {
                let ty = dfg.value_type(arg);
                let message = format!("result {n} of type {} is tied to {arg}, which has type {ty}", ret.ty);
                errors.inst(func, inst, message);
            }
            Some(_) => {}
        }
    }
    if sig.call_conv != CallConv::PreserveAll {
        errors.inst(func, inst, "pass-through results need the calling convention `preserve_all`");
    } else if sig.pass_through().as_deref() != Some(ties) {
        let message = format!(
            "results are tied to arguments {ties:?}, but preserve_all returns them in the registers of arguments {:?}",
            sig.pass_through().unwrap_or_default()
        );
        errors.inst(func, inst, message);
    }
}

/// A patchable call that names no ties has no results, or those of its convention.
fn unnamed_ties(func: &Function, inst: Inst, sig: &Signature, errors: &mut VerifierErrors) {
    let preserve_all = sig.call_conv == CallConv::PreserveAll && sig.pass_through().is_some();
    if !sig.returns.is_empty() && !preserve_all {
        errors.inst(func, inst, "a patchable call has no results but pass-through results");
    }
}
