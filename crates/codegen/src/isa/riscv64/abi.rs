//! Calling conventions and frames.
//!
//! `system_v` is the platform's (LP64D), and `windows_fastcall` is no other here; `fast`
//! and `tail` take arguments and return values in the same registers, and `fast` saves the
//! same ones. In `tail` nothing is saved, and the callee removes its stack arguments, so
//! that a tail call may have more of them than the function that makes it. In
//! `preserve_all` arguments travel in the same registers too, the callee saves whatever it
//! writes, and a return value is in the register of the parameter that it passes through.
//!
//! Floats beyond the eighth take integer registers that are left in `system_v`, in the
//! others they travel on the stack.
//!
//! Vectors travel in v8 to v15, then on the stack, and are saved in `preserve_all` only.
//!
//! Every function has a frame pointer, which points to the caller's; the return
//! address is above it.

use super::emit::{add_imm, load_constant, memory_at, vector_memory};
use super::encode::{Buf, Enc, fits12};
use super::ops::Op;
use super::regs::{self, FP, RA, SP, T6, X0, f, v, x};
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
    let ints: [PReg; 8] = std::array::from_fn(|n| x(regs::A0 + n));
    let floats: [PReg; 8] = std::array::from_fn(|n| f(regs::FA0 + n));
    // Where there are no vectors, none come here.
    let vectors: [PReg; 8] = std::array::from_fn(|n| v(8 + n));
    let floats_in_ints = matches!(sig.call_conv, CallConv::SystemV | CallConv::WindowsFastcall);
    let params = RegLists { ints: &ints, floats: &floats, vectors: Some(&vectors), floats_in_ints };
    let rets = RegLists {
        ints: &ints[..2],
        floats: &floats[..2],
        vectors: Some(&vectors[..2]),
        floats_in_ints: false,
    };
    let mut abi = assign(sig, params, rets, 0, false);
    abi.callee_pops = sig.call_conv == CallConv::Tail;
    pass_through_returns(sig, &mut abi)?;
    Ok(abi)
}

fn all() -> impl Iterator<Item = PReg> {
    regs::ints().chain(regs::floats()).chain(regs::vectors())
}

/// Bytes that a saved register takes.
pub fn save_bytes(preg: PReg) -> u32 {
    if preg.class() == RegClass::Vector { 16 } else { 8 }
}

/// Whether callees of this convention save the register.
fn is_saved(conv: CallConv, preg: PReg) -> bool {
    match conv {
        CallConv::PreserveAll => true,
        CallConv::Tail => false,
        CallConv::Fast | CallConv::SystemV | CallConv::WindowsFastcall => regs::is_saved(preg),
    }
}

/// The registers that a call leaves in an unknown state.
pub fn call_clobbers(conv: CallConv, has_vectors: bool) -> PRegSet {
    let there = |preg: &PReg| has_vectors || preg.class() != RegClass::Vector;
    regs::set(all().filter(there).filter(|&preg| !is_saved(conv, preg)))
}

/// The registers that a function must save, of those that it writes.
pub fn callee_saves(conv: CallConv, written: PRegSet) -> Vec<PReg> {
    all().filter(|&preg| is_saved(conv, preg) && written.contains(preg)).collect()
}

/// Saves or restores a register at `offset` bytes from the frame pointer.
fn save(buffer: &mut Buf, preg: PReg, offset: i32, restore: bool) {
    if preg.class() == RegClass::Vector {
        let op = if restore { Op::Vle8 } else { Op::Vse8 };
        return vector_memory(buffer, op, preg.hw_enc() as u8, FP, offset);
    }
    let op = match (preg.class(), restore) {
        (RegClass::Int, false) => Op::Sd,
        (RegClass::Int, true) => Op::Ld,
        (_, false) => Op::Fsd,
        (_, true) => Op::Fld,
    };
    buffer.imm(op, preg.hw_enc() as u8, FP, offset);
}

/// Emits the prologue; returns its unwinding steps.
pub fn emit_prologue(frame: &FrameLayout, buffer: &mut Buf) -> Vec<(u32, UnwindOp)> {
    let mut ops = Vec::with_capacity(2 + frame.saved.len());
    let size = frame.arg_area - frame.stack_args + frame.setup;
    add_imm(buffer, SP, SP, -(size as i32));
    buffer.add_trap(TrapCode::StackOverflow);
    buffer.imm(Op::Sd, RA, SP, 8);
    buffer.imm(Op::Sd, FP, SP, 0);
    ops.push((buffer.offset(), UnwindOp::PushFrame { size }));
    buffer.imm(Op::Addi, FP, SP, 0);
    ops.push((buffer.offset(), UnwindOp::DefineFrame));
    probe(buffer, frame.size());
    for &(preg, offset) in &frame.saved {
        save(buffer, preg, offset, false);
        let cfa_offset = size.wrapping_add_signed(-offset);
        ops.push((buffer.offset(), UnwindOp::SaveReg { reg: regs::dwarf(preg), cfa_offset }));
    }
    ops
}

/// Moves sp down by `size`, touching every page on the way.
fn probe(buffer: &mut Buf, size: u32) {
    let pages = size / PAGE;
    let step = |buffer: &mut Buf| {
        buffer.imm(Op::Addi, SP, SP, -2048);
        buffer.imm(Op::Addi, SP, SP, -2048);
        buffer.add_trap(TrapCode::StackOverflow);
        buffer.imm(Op::Sd, X0, SP, 0);
    };
    if pages <= 3 {
        for _ in 0..pages {
            step(buffer);
        }
    } else {
        // t6 is where the loop ends.
        load_constant(buffer, T6, i64::from(pages * PAGE));
        buffer.three(Op::Sub, T6, SP, T6);
        let start = buffer.offset() as i32;
        step(buffer);
        let back = start - buffer.offset() as i32;
        buffer.word(super::encode::branch(Op::Bne, SP, T6, back));
    }
    add_imm(buffer, SP, SP, -((size % PAGE) as i32));
}

/// Sets sp to where it is in the function's body.
pub fn restore_sp(frame: &FrameLayout, buffer: &mut Buf) {
    add_imm(buffer, SP, FP, -(frame.size() as i32));
}

/// Emits the epilogue up to the return or jump: registers are the caller's again,
/// the return address in ra, and `keep` bytes of the argument area stay on the
/// stack.
pub fn emit_epilogue(frame: &FrameLayout, keep: u32, buffer: &mut Buf) {
    for &(preg, offset) in &frame.saved {
        save(buffer, preg, offset, true);
    }
    let size = frame.size() as i32;
    let up = (frame.setup + frame.arg_area - keep) as i32;
    if fits12(i64::from(size + 8)) {
        memory_at(buffer, Op::Ld, RA, SP, size + 8);
        memory_at(buffer, Op::Ld, FP, SP, size);
        add_imm(buffer, SP, SP, size + up);
    } else {
        buffer.imm(Op::Addi, SP, FP, 0);
        buffer.imm(Op::Ld, RA, SP, 8);
        buffer.imm(Op::Ld, FP, SP, 0);
        add_imm(buffer, SP, SP, up);
    }
}

/// Emits the epilogue and return.
pub fn emit_return(frame: &FrameLayout, buffer: &mut Buf) {
    emit_epilogue(frame, if frame.callee_pops { 0 } else { frame.stack_args }, buffer);
    buffer.imm(Op::Jalr, X0, RA, 0);
}
