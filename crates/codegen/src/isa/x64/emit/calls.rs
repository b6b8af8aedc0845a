//! Calls and patch sites.

use super::*;
use crate::call::{CallDest, CallInfo};

/// Appends a call, its records, and what the convention asks for after it.
pub fn emit_call(info: &CallInfo, isa: &X64, buffer: &mut Buf, ctx: &EmitCtx<'_>) {
    let len = match info.dest {
        CallDest::Direct(_) => 5,
        CallDest::Indirect(reg) => 2 + u32::from(reg.hw_enc() >> 3),
    };
    if info.site.is_some() && isa.flags.live_patching {
        let pad = patch::padding(buffer.offset(), len);
        buffer.put_nops(pad);
        buffer.keep_places();
    }
    let start = buffer.offset();
    match &info.dest {
        CallDest::Direct(name) => {
            buffer.put1(0xe8);
            add_displacement(buffer, name);
        }
        CallDest::Indirect(reg) => {
            buffer.op(one(0xff), false, false, 2, RmEnc::Reg(reg.hw_enc()), NO_IMM);
        }
    }
    info.record(start, isa.flags.sites_off, buffer, ctx.frame);
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
