//! Calls and patch sites.

use super::*;
use crate::call::{CallDest, CallInfo};
use sidetrack_artifact::{RelocKind, SymbolName};

/// Appends a call, its records, and what the convention asks for after it.
pub fn emit_call(info: &CallInfo, isa: &S390x, buffer: &mut Buf, ctx: &EmitCtx<'_>) {
    let start = buffer.offset();
    match &info.dest {
        CallDest::Direct(name) => direct(buffer, Op::Brasl, LR, name),
        CallDest::Indirect(reg) => buffer.two(Op::Basr, LR, reg.hw_enc()),
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
        short_jump(buffer, info.normal);
    }
}

/// Appends the epilogue and a jump to the callee; one in a register goes to r0 before.
pub fn emit_return_call(info: &CallInfo, buffer: &mut Buf, ctx: &EmitCtx<'_>) {
    if let CallDest::Indirect(reg) = &info.dest {
        buffer.two(Op::Lgr, R0, reg.hw_enc());
    }
    abi::emit_epilogue(ctx.frame, info.stack_args, buffer);
    match &info.dest {
        CallDest::Direct(name) => direct(buffer, Op::Brcl, ALWAYS, name),
        CallDest::Indirect(_) => {
            buffer.two(Op::Lgr, R1, R0);
            buffer.two(Op::Bcr, ALWAYS, R1);
        }
    }
}

/// A call or jump to a symbol.
fn direct(buffer: &mut Buf, op: Op, reg: u8, name: &SymbolName) {
    let at = buffer.offset();
    buffer.code(encode::distant(op, reg));
    buffer.add_reloc(at + 2, RelocKind::S390xCall32, name.clone(), 2);
}
