//! Calling conventions and frames.
//!
//! `system_v` is the platform's; `fast` and `tail` take arguments and return
//! values in the same registers. In `tail` no register is saved and the callee
//! removes its stack arguments, so that a tail call may have more of them than the
//! function that makes it. In `preserve_all` arguments travel as in `system_v`,
//! the callee saves whatever it writes, and a return value is in the register of
//! the parameter that it passes through. Every function has a frame pointer.

use super::encode::{Buf, Enc, NO_IMM, RmEnc, m0f, one};
use super::regs::{self, R10, RAX, RBP, RBX, RCX, RDI, RDX, RSI, RSP, gpr, xmm};
use crate::abi::{AbiError, FrameLayout, RegLists, SigAbi, assign, pass_through_returns};
use regalloc2::{PReg, PRegSet, RegClass};
use sidetrack_artifact::{TrapCode, UnwindOp};
use sidetrack_ir::{ArgumentPurpose, CallConv, Signature};

const PAGE: u32 = 4096;

/// Where a signature's values travel.
///
/// # Errors
/// If a parameter is a struct passed by value, or a `preserve_all` result finds no
/// argument register to pass through.
pub fn sig_abi(sig: &Signature) -> Result<SigAbi, AbiError> {
    if sig.params.iter().any(|param| matches!(param.purpose, ArgumentPurpose::StructArgument(_))) {
        return Err(AbiError("struct arguments passed by value are not supported".to_string()));
    }
    let floats: [PReg; 8] = std::array::from_fn(xmm);
    let rets = RegLists { ints: &[RAX, RDX], floats: &floats[..2], vectors: None, floats_in_ints: false };
    if sig.call_conv == CallConv::WindowsFastcall {
        let params = RegLists {
            ints: &[RCX, RDX, gpr(8), gpr(9)],
            floats: &floats[..4],
            vectors: None,
            floats_in_ints: false,
        };
        return Ok(assign(sig, params, rets, 32, true));
    }
    let params = RegLists {
        ints: &[RDI, RSI, RDX, RCX, gpr(8), gpr(9)],
        floats: &floats,
        vectors: None,
        floats_in_ints: false,
    };
    let mut abi = assign(sig, params, rets, 0, false);
    abi.callee_pops = sig.call_conv == CallConv::Tail;
    pass_through_returns(sig, &mut abi)?;
    Ok(abi)
}

fn all() -> impl Iterator<Item = PReg> {
    regs::gprs().chain(regs::xmms())
}

/// Whether callees of this convention save the register.
fn is_saved(conv: CallConv, preg: PReg) -> bool {
    let (int, n) = (preg.class() == RegClass::Int, preg.hw_enc());
    match conv {
        CallConv::PreserveAll => true,
        CallConv::Tail => false,
        CallConv::Fast | CallConv::SystemV => int && (preg == RBX || n >= 12),
        CallConv::WindowsFastcall if int => [RBX, RSI, RDI].contains(&preg) || n >= 12,
        CallConv::WindowsFastcall => n >= 6,
    }
}

/// The registers that a call leaves in an unknown state.
pub fn call_clobbers(conv: CallConv) -> PRegSet {
    regs::set(all().filter(|&preg| !is_saved(conv, preg)))
}

/// The registers that a function must save, of those that it writes.
pub fn callee_saves(conv: CallConv, written: PRegSet) -> Vec<PReg> {
    all().filter(|&preg| is_saved(conv, preg) && written.contains(preg)).collect()
}

fn enc(preg: PReg) -> u8 {
    preg.hw_enc() as u8
}

/// Adds to rsp.
pub fn adjust_sp(buffer: &mut Buf, by: i32) {
    let (digit, size) = if by < 0 { (5, by.wrapping_neg()) } else { (0, by) };
    let rm = RmEnc::Reg(enc(RSP));
    match i8::try_from(size) {
        Ok(_) => buffer.op(one(0x83), true, false, digit, rm, (size.into(), 1)),
        Err(_) => buffer.op(one(0x81), true, false, digit, rm, (size.into(), 4)),
    }
}

/// Sets rsp to where it is in the function's body.
pub fn restore_sp(frame: &FrameLayout, buffer: &mut Buf) {
    let body = RmEnc::Base(enc(RBP), -(frame.size() as i32));
    buffer.op(one(0x8d), true, false, enc(RSP), body, NO_IMM);
}

/// Moves 8 bytes at `from` bytes above rsp to `to`, through r10.
fn move_word(buffer: &mut Buf, from: i32, to: i32) {
    buffer.op(one(0x8b), true, false, enc(R10), RmEnc::Base(enc(RSP), from), NO_IMM);
    buffer.op(one(0x89), true, false, enc(R10), RmEnc::Base(enc(RSP), to), NO_IMM);
}

/// Saves or restores a register.
fn save(buffer: &mut Buf, preg: PReg, offset: i32, restore: bool) {
    let rm = RmEnc::Base(enc(RBP), offset);
    match preg.class() {
        RegClass::Int => {
            buffer.op(one(if restore { 0x8b } else { 0x89 }), true, false, enc(preg), rm, NO_IMM);
        }
        _ => {
            let op = m0f(0, if restore { 0x10 } else { 0x11 });
            buffer.op(op, false, false, enc(preg), rm, NO_IMM);
        }
    }
}

/// Emits the prologue; returns its unwinding steps.
pub fn emit_prologue(frame: &FrameLayout, buffer: &mut Buf) -> Vec<(u32, UnwindOp)> {
    let mut ops = Vec::with_capacity(2 + frame.saved.len());
    let growth = frame.arg_area - frame.stack_args;
    if growth > 0 {
        // Only in `tail`, where r10 is free here.
        adjust_sp(buffer, -(growth as i32));
        move_word(buffer, growth as i32, 0);
    }
    buffer.put1(0x55);
    let size = growth + frame.setup;
    ops.push((buffer.offset(), UnwindOp::PushFrame { size }));
    buffer.op(one(0x89), true, false, enc(RSP), RmEnc::Reg(enc(RBP)), NO_IMM);
    ops.push((buffer.offset(), UnwindOp::DefineFrame));
    probe(buffer, frame.size());
    for &(preg, offset) in &frame.saved {
        save(buffer, preg, offset, false);
        let cfa_offset = size.wrapping_add_signed(-offset);
        ops.push((buffer.offset(), UnwindOp::SaveReg { reg: regs::dwarf(preg), cfa_offset }));
    }
    ops
}

/// Moves rsp down by `size`, touching every page on the way. Writes no register
/// but rsp, and rbp for a while.
fn probe(buffer: &mut Buf, size: u32) {
    let touch = |buffer: &mut Buf| {
        buffer.add_trap(TrapCode::StackOverflow);
        buffer.op(one(0x85), false, false, enc(RSP), RmEnc::Base(enc(RSP), 0), NO_IMM);
    };
    let pages = size / PAGE;
    let far = (pages * PAGE) as i32;
    if pages <= 4 {
        for _ in 0..pages {
            adjust_sp(buffer, -(PAGE as i32));
            touch(buffer);
        }
    } else {
        // rbp is where the loop ends, then the frame pointer again.
        let lea = one(0x8d);
        buffer.op(lea, true, false, enc(RBP), RmEnc::Base(enc(RSP), -far), NO_IMM);
        let start = buffer.offset();
        adjust_sp(buffer, -(PAGE as i32));
        touch(buffer);
        buffer.op(one(0x39), true, false, enc(RBP), RmEnc::Reg(enc(RSP)), NO_IMM);
        let back = start as i32 - (buffer.offset() as i32 + 2);
        buffer.put(&[0x75, back as u8]);
        buffer.op(lea, true, false, enc(RBP), RmEnc::Base(enc(RSP), far), NO_IMM);
    }
    if !size.is_multiple_of(PAGE) {
        adjust_sp(buffer, -((size % PAGE) as i32));
    }
}

/// Emits the epilogue up to the return or jump: registers and frame pointer are
/// the caller's again, and the return address is on top of the stack.
pub fn emit_epilogue(frame: &FrameLayout, buffer: &mut Buf) {
    for &(preg, offset) in &frame.saved {
        save(buffer, preg, offset, true);
    }
    if frame.size() > 0 {
        buffer.put1(0xc9);
    } else {
        buffer.put1(0x5d);
    }
}

/// Emits the epilogue and return.
pub fn emit_return(frame: &FrameLayout, buffer: &mut Buf) {
    emit_epilogue(frame, buffer);
    match (frame.callee_pops, u16::try_from(frame.arg_area)) {
        (false, _) | (true, Ok(0)) => buffer.put1(0xc3),
        (true, Ok(bytes)) => {
            buffer.put1(0xc2);
            buffer.put(&bytes.to_le_bytes());
        }
        (true, Err(_)) => {
            // pop r10, and jump there.
            buffer.put(&[0x41, 0x5a]);
            adjust_sp(buffer, frame.arg_area as i32);
            buffer.op(one(0xff), false, false, 4, RmEnc::Reg(enc(R10)), NO_IMM);
        }
    }
}

/// Emits the epilogue of a tail call with `stack_args` bytes of arguments, which
/// are in place already at the end of the argument area.
pub fn emit_tail_epilogue(frame: &FrameLayout, stack_args: u32, buffer: &mut Buf) {
    emit_epilogue(frame, buffer);
    let up = (frame.arg_area - stack_args) as i32;
    if up > 0 {
        move_word(buffer, 0, up);
        adjust_sp(buffer, up);
    }
}
