//! Calls and patch sites.

use super::*;
use crate::abi::StackAddr;
use crate::buffer::{PendingHandler, SiteRecord};
use crate::call::{CallDest, CallInfo, TryClause};
use sidetrack_artifact::{HandlerContext, PatchTarget, SiteKind};

/// Appends a call, its records, and what the convention asks for after it.
pub fn emit_call(info: &CallInfo, isa: &X64, buffer: &mut Buf, ctx: &EmitCtx<'_>) {
    let len = match info.dest {
        CallDest::Direct(_) => 5,
        CallDest::Indirect(reg) => 2 + u32::from(reg.hw_enc() >> 3),
    };
    if info.site.is_some() && isa.flags.live_patching {
        let pad = patch::padding(buffer.offset(), len);
        buffer.put_nops(pad);
    }
    let start = buffer.offset();
    let (target, kind) = match &info.dest {
        CallDest::Direct(name) => {
            buffer.put1(0xe8);
            add_displacement(buffer, name);
            let kind = if info.try_call.is_some() { SiteKind::TryCall } else { SiteKind::Call };
            (PatchTarget::Symbol(name.clone()), kind)
        }
        CallDest::Indirect(reg) => {
            buffer.op(one(0xff), false, false, 2, RmEnc::Reg(reg.hw_enc()), NO_IMM);
            (PatchTarget::Indirect, SiteKind::Indirect)
        }
    };
    if let Some(site) = info.site {
        let record = SiteRecord { tag: site.tag, on: site.on, kind, target };
        buffer.add_site(start, record, isa.flags.sites_off);
    }
    let clauses = info.try_call.iter().flat_map(|info| &info.clauses);
    let handlers = clauses.map(|clause| match *clause {
        TryClause::Tag(tag, label) => PendingHandler::Tag(tag, label),
        TryClause::Default(label) => PendingHandler::Default(label),
        TryClause::Context(offset) => {
            let (_, offset) = ctx.frame.resolve(StackAddr::Slot(offset));
            PendingHandler::Context(HandlerContext::SpOffset(offset as u32))
        }
    });
    buffer.add_call(ctx.frame.size(), handlers.collect());
    if info.callee_pops && info.stack_args > 0 {
        // The callee has removed the arguments; the outgoing area is for the next
        // call again, and the results are above it. A site that is off has removed
        // nothing, so there the stack pointer is computed from the frame's.
        match info.site {
            None => abi::adjust_sp(buffer, -(info.stack_args as i32)),
            Some(_) => abi::restore_sp(ctx.frame, buffer),
        }
    }
    if let Some(info) = &info.try_call
        && !falls_through(buffer, info.normal, ctx)
    {
        jump(buffer, info.normal);
    }
}

/// Appends the epilogue and a jump to the callee.
pub fn emit_return_call(info: &CallInfo, buffer: &mut Buf, ctx: &EmitCtx<'_>) {
    abi::emit_tail_epilogue(ctx.frame, info.stack_args, buffer);
    match &info.dest {
        CallDest::Direct(name) => {
            buffer.put1(0xe9);
            add_displacement(buffer, name);
        }
        CallDest::Indirect(reg) => {
            buffer.op(one(0xff), false, false, 4, RmEnc::Reg(reg.hw_enc()), NO_IMM);
        }
    }
}

/// Appends the displacement of a direct call or jump to a symbol.
fn add_displacement(buffer: &mut Buf, name: &sidetrack_artifact::SymbolName) {
    buffer.add_reloc(buffer.offset(), RelocKind::X86CallPcRel4, name.clone(), -4);
    buffer.put(&[0; 4]);
}
