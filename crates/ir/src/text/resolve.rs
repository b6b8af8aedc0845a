//! Types, results and aliases, once a whole function has been read.
//!
//! Text may use a value before the line that defines it, and an instruction's type
//! may follow from such a value. Approach: what waits for a value's type is kept in
//! a list of that value, and taken up when the type is known.

use super::function::FuncCtx;
use super::inst::RawInst;
use super::parser::Parse;
use super::{AnyEntity, ParseError};
use crate::dfg::{DataFlowGraph, ValueDef};
use crate::entities::*;
use crate::inst::{Extra, SiteInfo};
use crate::opcode::{Ctrl, Opcode};
use crate::types::{I64, Type};
use rustc_hash::FxHashMap;
use std::collections::VecDeque;

fn error<T>(line: u32, message: String) -> Parse<T> {
    Err(ParseError { line, message, unsupported: false })
}

enum Item {
    Inst(usize),
    Alias(usize),
}

/// Gives every instruction its type and results.
pub(super) fn resolve(ctx: &mut FuncCtx) -> Parse<()> {
    for &(block, line) in &ctx.block_uses {
        if !ctx.func.layout.is_block_inserted(block) {
            return error(line, format!("{block} is not defined"));
        }
    }
    let mut fresh = ctx.next_value;
    let insts = std::mem::take(&mut ctx.insts);
    let aliases = std::mem::take(&mut ctx.aliases);
    let mut waiting: FxHashMap<Value, Vec<Item>> = FxHashMap::default();
    let mut ready: VecDeque<Item> = (0..insts.len()).map(Item::Inst).collect();
    ready.extend((0..aliases.len()).map(Item::Alias));
    let mut left = ready.len();
    while let Some(item) = ready.pop_front() {
        let needed = match item {
            Item::Inst(i) => needed_value(&ctx.func.dfg, &insts[i]),
            Item::Alias(i) => Some(aliases[i].1),
        };
        if let Some(v) = needed
            && known_type(&ctx.func.dfg, v).is_none()
        {
            waiting.entry(v).or_default().push(item);
            continue;
        }
        left -= 1;
        let mut defined = Vec::new();
        match item {
            Item::Inst(i) => {
                complete(ctx, &insts[i], &mut fresh)?;
                defined.extend_from_slice(&insts[i].results);
            }
            Item::Alias(i) => {
                let (v, to, line) = aliases[i];
                let ty = ctx.func.dfg.value_type(to);
                // Aliases of aliases name the value itself: long chains stay short.
                let to = ctx.func.dfg.resolve(to);
                if to == v {
                    return error(line, format!("{v} is an alias of itself"));
                }
                ctx.func.dfg.define_value(v, ty, ValueDef::Alias(to));
                defined.push(v);
            }
        }
        for v in defined {
            ready.extend(waiting.remove(&v).unwrap_or_default());
        }
    }
    if left > 0 {
        return stuck(ctx, &insts, &aliases, &waiting);
    }
    for raw in &insts {
        let mut missing = None;
        let dfg = &ctx.func.dfg;
        let mut check = |v: Value| missing = missing.or_else(|| known_type(dfg, v).is_none().then_some(v));
        dfg.for_each_use(raw.inst, &mut check);
        // Where a state lists a value first, it is a change.
        let changes = dfg.states.of(raw.inst).map_or(&[][..], |state| dfg.states.changes(state));
        changes.iter().filter_map(|change| change.value.expand()).for_each(check);
        if let Some(v) = missing {
            return error(raw.line, format!("{v} is not defined"));
        }
        pass_through(ctx, raw)?;
    }
    Ok(())
}

/// The error for what waits for values that never get a type.
fn stuck(
    ctx: &FuncCtx,
    insts: &[RawInst],
    aliases: &[(Value, Value, u32)],
    waiting: &FxHashMap<Value, Vec<Item>>,
) -> Parse<()> {
    let line = |item: &Item| match *item {
        Item::Inst(i) => insts[i].line,
        Item::Alias(i) => aliases[i].2,
    };
    let all = waiting.iter().flat_map(|(v, items)| items.iter().map(|item| (line(item), *v)));
    let defined = |v: Value| ctx.source.lines.contains_key(&AnyEntity::Value(v));
    // A value without a definition is the cause of all the others, if there is one.
    match all.min_by_key(|&(line, v)| (defined(v), line)) {
        Some((line, v)) if defined(v) => error(line, format!("the type of {v} depends on itself")),
        Some((line, v)) => error(line, format!("{v} is not defined")),
        None => Ok(()),
    }
}

fn known_type(dfg: &DataFlowGraph, v: Value) -> Option<Type> {
    (dfg.value_is_valid(v) && dfg.value_def(v) != ValueDef::Absent).then(|| dfg.value_type(v))
}

/// The value whose type the instruction's controlling type follows from.
fn needed_value(dfg: &DataFlowGraph, raw: &RawInst) -> Option<Value> {
    if raw.explicit.is_some() {
        return None;
    }
    match dfg.insts[raw.inst].opcode.info().ctrl {
        Ctrl::Infer(index) => {
            let index = usize::from(index);
            let hidden = raw.constant.map(|(_, i, _)| i).or(raw.inner.map(|(_, i)| i));
            let index = if hidden == Some(index) { 1 - index } else { index };
            dfg.args(raw.inst).get(index).copied()
        }
        _ => None,
    }
}

fn complete(ctx: &mut FuncCtx, raw: &RawInst, fresh: &mut u32) -> Parse<()> {
    let inst = raw.inst;
    let opcode = ctx.func.dfg.insts[inst].opcode;
    let inferred = needed_value(&ctx.func.dfg, raw).and_then(|v| known_type(&ctx.func.dfg, v));
    let ty = match (opcode.info().ctrl, raw.explicit, inferred) {
        // A type after an opcode that has only one is taken if it is that one.
        (Ctrl::None, _, _) => Type::INVALID,
        (_, Some(ty), _) | (_, None, Some(ty)) => ty,
        (_, None, None) => return error(raw.line, format!("`{opcode}` needs a type")),
    };
    ctx.func.dfg.insts[inst].ty = ty;
    if let Some((constant, index, imm)) = raw.constant {
        if !ty.is_int() {
            return error(raw.line, format!("`{opcode}` with a constant cannot have type {ty}"));
        }
        let shift = 64 - ty.bits();
        let wrapped = imm << shift >> shift;
        if wrapped != imm && (imm as u64) >> (ty.bits() - 1) >> 1 != 0 {
            return error(raw.line, format!("{imm} does not fit {ty}"));
        }
        ctx.func.dfg.insts[constant].extra = Extra::Imm(wrapped);
        hidden_operand(ctx, inst, constant, index, ty, fresh);
    }
    if let Some((inner, index)) = raw.inner {
        let stack_addr = ctx.func.dfg.insts[inner].opcode == Opcode::StackAddr;
        hidden_operand(ctx, inst, inner, index, if stack_addr { I64 } else { ty }, fresh);
    }
    declared(&ctx.func.dfg, raw)?;
    let types = ctx.func.dfg.result_types(inst);
    if types.len() != raw.results.len() {
        let (has, named) = (types.len(), raw.results.len());
        return error(raw.line, format!("`{opcode}` has {has} results, but {named} are named"));
    }
    for (&v, ty) in raw.results.iter().zip(types) {
        ctx.func.dfg.attach_result(inst, ty, v);
    }
    Ok(())
}

/// Gives the hidden instruction in front of a short form its type and result.
fn hidden_operand(ctx: &mut FuncCtx, inst: Inst, hidden: Inst, index: usize, ty: Type, fresh: &mut u32) {
    let v = Value::from_u32(*fresh);
    *fresh += 1;
    ctx.func.dfg.insts[hidden].ty = ty;
    ctx.func.dfg.attach_result(hidden, ty, v);
    ctx.func.dfg.args_mut(inst)[index] = v;
}

/// Refuses calls through functions and signatures that are not declared: their
/// results would not be known.
fn declared(dfg: &DataFlowGraph, raw: &RawInst) -> Parse<()> {
    let signature = |sig: SigRef| match dfg.signatures.is_valid(sig) {
        true => Ok(()),
        false => error(raw.line, format!("{sig} is not declared")),
    };
    let function = |func: FuncRef| match dfg.ext_funcs.is_valid(func) {
        true => Ok(()),
        false => error(raw.line, format!("{func} is not declared")),
    };
    match dfg.insts[raw.inst].extra {
        Extra::Func(func) => function(func),
        Extra::Sig(sig) => signature(sig),
        Extra::TryCall(func, table) => {
            function(func)?;
            signature(dfg.exception_tables[table].sig)
        }
        Extra::TryCallIndirect(table) => signature(dfg.exception_tables[table].sig),
        _ => Ok(()),
    }
}

/// Turns the values after `off` into indices of arguments. A value that is passed
/// twice stands for the first argument that no earlier one took.
fn pass_through(ctx: &mut FuncCtx, raw: &RawInst) -> Parse<()> {
    if raw.pass_through.is_empty() {
        return Ok(());
    }
    let args = ctx.func.dfg.call_args(raw.inst).to_vec();
    let mut ties: Vec<u32> = Vec::new();
    for &v in &raw.pass_through {
        let index = (0..args.len()).find(|&i| args[i] == v && !ties.contains(&(i as u32)));
        match index {
            Some(index) => ties.push(index as u32),
            None => return error(raw.line, format!("{v} is no argument of the call")),
        }
    }
    let site: &mut SiteInfo = ctx.func.dfg.sites.entry(raw.inst).or_default();
    site.pass_through = ties;
    Ok(())
}
