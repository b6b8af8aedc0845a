//! Which functions a reference may exist of, and so need a record in the context.
//!
//! `ref.func` in a body may only name functions that the rest of the module names
//! or exports, so that the bodies need not be looked at.

use sidetrack_artifact::{ConstExpr, ConstOp, ElementItems, EntityIndex, ModuleInfo};

/// Numbers the functions that have a reference, in the order of their indices.
pub(super) fn number(info: &mut ModuleInfo) {
    let mut named = vec![false; info.functions.len()];
    let mut name = |index: u32| {
        if let Some(slot) = named.get_mut(index as usize) {
            *slot = true;
        }
    };
    let in_expr = |expr: &ConstExpr, name: &mut dyn FnMut(u32)| {
        for op in expr {
            if let ConstOp::RefFunc(index) = *op {
                name(index);
            }
        }
    };
    for export in &info.exports {
        if let EntityIndex::Func(index) = export.index {
            name(index);
        }
    }
    if let Some(start) = info.start {
        name(start);
    }
    for segment in &info.elements {
        match &segment.items {
            ElementItems::Functions(list) => list.iter().for_each(|&index| name(index)),
            ElementItems::Expressions(list) => list.iter().for_each(|expr| in_expr(expr, &mut name)),
        }
    }
    for expr in info.global_inits.iter().chain(info.table_inits.iter().flatten()) {
        in_expr(expr, &mut name);
    }
    for (function, _) in info.functions.iter_mut().zip(&named).filter(|(_, named)| **named) {
        function.reference = Some(info.references);
        info.references += 1;
    }
}
