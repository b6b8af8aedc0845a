//! What holds for the sites of every translated function, whatever its options.

use super::live::Body;
use sidetrack_ir::{Block, ControlFlowGraph, ExternalName, Extra, Function, Inst, Opcode};
use std::collections::BTreeSet;

/// The function that an instruction calls by name, if it does.
fn callee(func: &Function, inst: Inst) -> Option<&str> {
    match &func.dfg.ext_funcs[func.dfg.call_target(inst)?].name {
        ExternalName::Named(name) => Some(name.as_str()),
        ExternalName::User { .. } => None,
    }
}

fn is_site(func: &Function, inst: Inst) -> bool {
    callee(func, inst) == Some("debug_hook")
}

/// Whether a debugger stops after an instruction.
fn has_effect(func: &Function, inst: Inst) -> bool {
    let opcode = func.dfg.insts[inst].opcode;
    let internal = ["debug_hook", "throw", "exception_new"];
    opcode.is_call() && !opcode.is_return() && callee(func, inst).is_none_or(|name| !internal.contains(&name))
}

/// Blocks that only handlers consist of: entered by exceptions, they have no operators.
fn handlers(func: &Function, cfg: &ControlFlowGraph) -> BTreeSet<Block> {
    let mut handlers = BTreeSet::new();
    let mut work: Vec<Block> = func.layout.blocks().filter(|&block| func.dfg.blocks[block].cold).collect();
    while let Some(block) = work.pop() {
        if handlers.insert(block) {
            let one_way = |to: &Block| cfg.preds(*to).len() == 1 && !starts_with_site(func, *to);
            work.extend(cfg.succs(block).iter().copied().filter(one_way));
        }
    }
    handlers
}

/// Whether a block is the label of the function: it returns, no operator follows.
fn is_return(func: &Function, block: Block) -> bool {
    let first = func.layout.first_inst(block);
    func.layout.next_block(block).is_none()
        && first.is_some_and(|inst| func.dfg.insts[inst].opcode == Opcode::Return)
}

fn starts_with_site(func: &Function, block: Block) -> bool {
    // A local's initial value may be made in front of it.
    let constant = |inst: &Inst| func.dfg.insts[*inst].opcode.is_pure();
    func.layout.block_insts(block).find(|inst| !constant(inst)).is_some_and(|inst| is_site(func, inst))
}

/// Checks a function.
///
/// # Panics
/// If something does not hold.
pub fn check(func: &Function, body: &Body) {
    let cfg = ControlFlowGraph::new(func);
    let handlers = handlers(func, &cfg);
    let entry = func.layout.entry_block().expect("an entry");
    let mut tags = BTreeSet::new();
    for block in func.layout.blocks() {
        let sources: BTreeSet<Inst> = cfg.preds(block).iter().map(|pred| pred.branch).collect();
        let from_handler = cfg.preds(block).iter().any(|pred| handlers.contains(&pred.block));
        if !handlers.contains(&block) && !is_return(func, block) && (sources.len() > 1 || from_handler) {
            assert!(starts_with_site(func, block), "{block} is a join without a site in\n{func}");
        }
        let mut due = block == entry;
        for inst in func.layout.block_insts(block) {
            let opcode = func.dfg.insts[inst].opcode;
            if is_site(func, inst) {
                due = false;
                let tag = func.dfg.site_info(inst).tag;
                assert!(tags.insert(tag), "two sites before the operator at {tag:#x} in\n{func}");
                assert_eq!(func.source_locs[inst], Some(tag as u32), "of site {tag:#x} in\n{func}");
                check_locals(func, inst, &body.live[&tag], block == entry && tags.len() == 1, body);
            } else if has_effect(func, inst) {
                assert!(!due, "no site before {inst} in\n{func}");
                assert!(func.dfg.state(inst).is_some(), "{inst} has no state in\n{func}");
                due = !opcode.is_terminator();
                if let Extra::TryCall(_, table) | Extra::TryCallIndirect(table) = func.dfg.insts[inst].extra {
                    let normal = func.dfg.exception_tables[table].normal.block;
                    assert!(starts_with_site(func, normal), "no site after {inst} in\n{func}");
                }
            } else if opcode.is_terminator() {
                assert!(!due, "no site at the end of {block} in\n{func}");
            }
        }
    }
}

/// Exactly the live locals are listed; at the entry all parameters too.
fn check_locals(func: &Function, inst: Inst, live: &BTreeSet<u32>, entry: bool, body: &Body) {
    let state = func.dfg.state(inst).expect("a site has state");
    assert_eq!(state[0].key, 0, "the context is listed first at {inst} in\n{func}");
    let listed: BTreeSet<u32> =
        state[1..].iter().map(|entry| entry.key - 1).filter(|&local| local < body.locals).collect();
    let params = if entry { 0..body.params } else { 0..0 };
    let expected: BTreeSet<u32> = params.chain(live.iter().copied()).collect();
    assert_eq!(listed, expected, "the locals at {inst} in\n{func}");
}
