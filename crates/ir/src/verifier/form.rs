//! Does each instruction carry what its opcode's format says?
//!
//! Text cannot say otherwise, a builder can. All other rules, and the writer that
//! prints instructions in messages, take the form for granted.

use super::VerifierErrors;
use crate::entities::*;
use crate::function::Function;
use crate::inst::Extra;
use crate::opcode::{Format, Opcode, Props};

pub(super) fn check(func: &Function, errors: &mut VerifierErrors) {
    for block in func.layout.blocks() {
        for inst in func.layout.block_insts(block) {
            let Some(data) = func.dfg.insts.get(inst) else {
                errors.add(AnyEntity::Inst(inst), format!("{inst} does not exist"));
                continue;
            };
            let (opcode, format) = (data.opcode, data.opcode.format());
            let mut error = |message: &str| {
                errors.add(AnyEntity::Inst(inst), format!("{inst} ({opcode}): {message}"));
            };
            if !fits(format, &data.extra) {
                error(&format!("its operands {:?} are not of the format {format:?}", data.extra));
            }
            let (got, expected) = (func.dfg.args(inst).len(), opcode.info().args.len());
            // Calls and returns have more arguments, which their signature types.
            let open = opcode.is_call() || opcode == Opcode::Return;
            if got < expected || (!open && got > expected) {
                error(&format!("mismatched argument count: got {got}, expected {expected}"));
            }
            if func.dfg.sites.contains_key(&inst) && !opcode.is_call() {
                error("only a call can be patchable");
            }
            if let Some(state) = func.dfg.states.of(inst) {
                // A tail call leaves no frame to read, and other instructions never stop.
                let stops = opcode.is_call() && !opcode.is_return() || opcode.props().has(Props::TRAP);
                if !stops {
                    error("only an instruction that calls or can trap has state");
                }
                // What else it lists are changes of states before.
                let changes = func.dfg.states.changes(state);
                if !changes.is_sorted_by(|a, b| a.key < b.key) {
                    error("the keys of the state do not ascend");
                }
            }
        }
    }
}

fn fits(format: Format, extra: &Extra) -> bool {
    match format {
        Format::Nullary | Format::Unary | Format::Binary | Format::Ternary | Format::MultiAry => {
            matches!(extra, Extra::None)
        }
        Format::UnaryImm | Format::UnaryFloat => matches!(extra, Extra::Imm(_)),
        Format::UnaryConst | Format::Shuffle => matches!(extra, Extra::Bytes(_)),
        Format::ExtractLane | Format::InsertLane => matches!(extra, Extra::Lane(_)),
        Format::IntCompare => matches!(extra, Extra::IntCC(_)),
        Format::FloatCompare => matches!(extra, Extra::FloatCC(_)),
        Format::IntAddTrap | Format::Trap | Format::CondTrap => matches!(extra, Extra::Trap(_)),
        Format::Load | Format::Store => matches!(extra, Extra::Mem(..)),
        Format::LoadNoOffset | Format::StoreNoOffset | Format::AtomicCas => {
            matches!(extra, Extra::Mem(_, 0))
        }
        Format::AtomicRmw => matches!(extra, Extra::Atomic(..)),
        Format::StackAddr => matches!(extra, Extra::Stack(..)),
        Format::GlobalValue => matches!(extra, Extra::Global(_)),
        Format::FuncAddr | Format::Call => matches!(extra, Extra::Func(_)),
        Format::CallIndirect => matches!(extra, Extra::Sig(_)),
        Format::TryCall => matches!(extra, Extra::TryCall(..)),
        Format::TryCallIndirect => matches!(extra, Extra::TryCallIndirect(_)),
        Format::Jump => matches!(extra, Extra::Jump(_)),
        Format::Brif => matches!(extra, Extra::Brif(..)),
        Format::BrTable => matches!(extra, Extra::Table(_)),
    }
}

/// Keys of states leave room for those of halves of vectors.
pub(super) fn check_keys(func: &Function, errors: &mut VerifierErrors) {
    for inst in func.layout.blocks().flat_map(|block| func.layout.block_insts(block)) {
        // What else it lists are changes of states before.
        let changes = func.dfg.states.of(inst).map_or(&[][..], |state| func.dfg.states.changes(state));
        if changes.iter().any(|change| change.key >= 1 << 30) {
            let message =
                format!("{inst} ({}): a key of the state is too large", func.dfg.insts[inst].opcode);
            errors.add(AnyEntity::Inst(inst), message);
        }
    }
}
