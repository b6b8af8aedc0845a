//! Blocks, terminators, block arguments, dominance.

use super::VerifierErrors;
use crate::cfg::ControlFlowGraph;
use crate::dfg::ValueDef;
use crate::dominators::DominatorTree;
use crate::entities::*;
use crate::function::Function;
use crate::inst::{BlockArg, BlockCall, Extra};
use crate::types::{I64, Type};
use cranelift_entity::SecondaryMap;

/// Every block ends in its only terminator; nobody branches to the entry block.
pub(super) fn check_structure(func: &Function, errors: &mut VerifierErrors) {
    let Some(entry) = func.layout.entry_block() else {
        return errors.add(AnyEntity::Function, format!("function {} has no blocks", func.name));
    };
    for block in func.layout.blocks() {
        match func.layout.last_inst(block) {
            Some(last) if func.dfg.insts[last].opcode.is_terminator() => {}
            _ => errors.add(AnyEntity::Block(block), format!("{block} is not terminated")),
        }
        for inst in func.layout.block_insts(block) {
            let last = func.layout.last_inst(block) == Some(inst);
            if !last && func.dfg.insts[inst].opcode.is_terminator() {
                errors.inst(func, inst, format_args!("a terminator before the end of {block}"));
            }
            for call in func.dfg.block_calls(inst) {
                if call.block == entry {
                    errors.inst(
                        func,
                        inst,
                        format_args!("{entry} is the entry block and cannot be branched to"),
                    );
                }
            }
        }
    }
}

/// Arguments of block calls; uses dominated by definitions.
pub(super) fn check_dominance(func: &Function, errors: &mut VerifierErrors) {
    entry_params(func, errors);
    let cfg = ControlFlowGraph::new(func);
    let tree = DominatorTree::new(func, &cfg);
    super::states::check_dominance(func, &tree, errors);
    let mut order: SecondaryMap<Inst, u32> = SecondaryMap::with_capacity(func.dfg.insts.len());
    for block in func.layout.blocks() {
        for (n, inst) in func.layout.block_insts(block).enumerate() {
            order[inst] = n as u32;
        }
    }
    for block in func.layout.blocks() {
        for inst in func.layout.block_insts(block) {
            for (n, call) in func.dfg.block_calls(inst).iter().enumerate() {
                block_call(func, inst, n, call, errors);
            }
            if !tree.is_reachable(block) {
                continue;
            }
            let mut wrong = Vec::new();
            func.dfg.for_each_use(inst, |v| {
                let ok = match func.dfg.value_def(func.dfg.resolve(v)) {
                    ValueDef::Param(def, _) => tree.dominates(def, block),
                    ValueDef::Result(def, _) => match func.layout.inst_block(def) {
                        Some(def_block) if def_block == block => order[def] < order[inst],
                        Some(def_block) => tree.dominates(def_block, block),
                        None => false,
                    },
                    _ => false,
                };
                if !ok {
                    wrong.push(v);
                }
            });
            for v in wrong {
                errors.inst(func, inst, format_args!("uses value {v} from non-dominating definition"));
            }
        }
    }
}

fn entry_params(func: &Function, errors: &mut VerifierErrors) {
    let Some(entry) = func.layout.entry_block() else { return };
    let params = func.dfg.block_params(entry);
    let types: Vec<Type> = params.iter().map(|&v| func.dfg.value_type(v)).collect();
    let expected: Vec<Type> = func.signature.params.iter().map(|param| param.ty).collect();
    if types != expected {
        let message = format!(
            "entry block parameters do not match the function signature: {entry} has {types:?}, the signature {expected:?}"
        );
        errors.add(AnyEntity::Block(entry), message);
    }
}

fn block_call(func: &Function, inst: Inst, n: usize, call: &BlockCall, errors: &mut VerifierErrors) {
    let params = func.dfg.block_params(call.block);
    let args: Vec<BlockArg> = call.args(&func.dfg.block_args).collect();
    if args.len() != params.len() {
        let message = format!(
            "mismatched argument count for {}: got {}, expected {}",
            call.block,
            args.len(),
            params.len()
        );
        return errors.inst(func, inst, message);
    }
    let extra = func.dfg.insts[inst].extra;
    let try_call = matches!(extra, Extra::TryCall(..) | Extra::TryCallIndirect(_));
    for (arg, &param) in args.iter().zip(params) {
        let expected = func.dfg.value_type(param);
        let ty = match *arg {
            BlockArg::Value(v) => func.dfg.value_type(v),
            BlockArg::TryCallRet(index) => {
                let sig = func.dfg.call_signature(inst).filter(|_| try_call && n == 0);
                let Some(sig) = sig else {
                    errors.inst(func, inst, format_args!("{arg} outside of the normal return of a try_call"));
                    continue;
                };
                match func.dfg.signatures[sig].returns.get(index as usize) {
                    Some(ret) => ret.ty,
                    None => {
                        errors.inst(func, inst, format_args!("{arg}: {sig} has no such return value"));
                        continue;
                    }
                }
            }
            BlockArg::TryCallExn(index) => {
                if !try_call || n == 0 || index > 1 {
                    errors.inst(func, inst, format_args!("{arg} outside of a handler, or beyond exn1"));
                    continue;
                }
                I64
            }
        };
        if ty != expected {
            errors.inst(func, inst, format_args!("{arg} has type {ty}, but {param} expected {expected}"));
        }
    }
}
