//! Calls and patch sites.

use super::*;
use crate::call::{CallDest, CallInfo};

/// Appends a call, its records, and what the convention asks for after it.
pub fn emit_call(info: &CallInfo, isa: &Aarch64, buffer: &mut Buf, ctx: &EmitCtx<'_>) {
    let start = buffer.offset();
    match &info.dest {
        CallDest::Direct(name) => {
            buffer.word(encode::BL);
            buffer.use_symbol(start, Fixup::Branch26, RelocKind::Aarch64Call26, name.clone(), 0);
        }
        CallDest::Indirect(reg) => buffer.word(encode::blr(reg.hw_enc())),
    }
    info.record(start, isa.flags.sites_off, buffer, ctx.frame);
    if info.callee_pops && info.stack_args > 0 {
        abi::after_popping_call(ctx.frame, info.stack_args, info.site.is_some(), buffer);
    }
    if let Some(info) = &info.try_call
        && !falls_through(buffer, info.normal, ctx)
    {
        jump(buffer, info.normal);
    }
}

/// Appends the epilogue and a jump to the callee. One in a register that the epilogue
/// restores goes to another before.
pub fn emit_return_call(info: &CallInfo, buffer: &mut Buf, ctx: &EmitCtx<'_>) {
    match &info.dest {
        CallDest::Direct(name) => {
            abi::emit_epilogue(ctx.frame, info.stack_args, buffer);
            let at = buffer.offset();
            buffer.word(encode::B);
            buffer.use_symbol(at, Fixup::Branch26, RelocKind::Aarch64Call26, name.clone(), 0);
        }
        CallDest::Indirect(reg) => {
            let mut callee = reg.hw_enc();
            if ctx.frame.saved.iter().any(|(preg, _)| Some(*preg) == reg.as_preg()) {
                copy(buffer, SCRATCH2, callee, RegClass::Int);
                callee = SCRATCH2;
            }
            abi::emit_epilogue(ctx.frame, info.stack_args, buffer);
            buffer.word(encode::br(callee));
        }
    }
}
