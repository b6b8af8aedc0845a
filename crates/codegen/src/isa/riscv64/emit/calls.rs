//! Calls and patch sites.

use super::*;
use crate::call::{CallDest, CallInfo};
use sidetrack_artifact::{RelocKind, SymbolName};

/// Appends a call, its records, and what the convention asks for after it.
pub fn emit_call(info: &CallInfo, isa: &Riscv64, buffer: &mut Buf, ctx: &EmitCtx<'_>) {
    let start = buffer.offset();
    match &info.dest {
        CallDest::Direct(name) => direct(buffer, RA, name),
        CallDest::Indirect(reg) => buffer.imm(Op::Jalr, RA, reg.hw_enc(), 0),
    }
    info.record(start, isa.flags.sites_off, buffer, ctx.frame);
    if info.callee_pops && info.stack_args > 0 {
        // The callee has removed the arguments; the outgoing area is for the next
        // call again, and the results are above it. A site that is off has removed
        // nothing, so there the stack pointer is computed from the frame's.
        match info.site {
            None => add_imm(buffer, SP, SP, -(info.stack_args as i32)),
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
    abi::emit_epilogue(ctx.frame, info.stack_args, buffer);
    match &info.dest {
        CallDest::Direct(name) => direct(buffer, X0, name),
        CallDest::Indirect(reg) => buffer.imm(Op::Jalr, X0, reg.hw_enc(), 0),
    }
}

/// A call or jump to a symbol, through a veneer if that turns out to be far away.
fn direct(buffer: &mut Buf, link: u8, name: &SymbolName) {
    let at = buffer.offset();
    buffer.word(encode::jal(link, 0));
    buffer.use_symbol(at, Fixup::Jal, RelocKind::RiscvJal, name.clone(), 0);
}
