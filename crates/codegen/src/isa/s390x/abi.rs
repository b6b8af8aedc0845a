//! Calling conventions and frames.
//!
//! `system_v` is the platform's, but that structs are passed by address only and more
//! return values have registers; `windows_fastcall` is the same. Its caller leaves 160
//! bytes at the bottom of its frame to the callee. `fast` and `tail` have more argument
//! registers and no such area. In `tail` nothing is saved, and the callee removes its
//! stack arguments, so that a tail call may have more of them than the function that
//! makes it. In `preserve_all` arguments travel in the registers of `system_v`, the
//! callee saves whatever it writes, whole vectors where there are any, and a return value
//! is in the register of the parameter that it passes through.
//!
//! Vectors travel in v24 and on, as on the platform but for the order of their lanes, which
//! is the opposite; then on the stack. They are saved in `preserve_all` only.
//!
//! Every function has a frame pointer, which points to the caller's; the return address
//! is above it. The platform's callees save the floats f8 to f15. They are saved here,
//! but where they may be parts of vectors no value is kept in them across calls.

use super::emit::{add_imm, load_constant, memory_at};
use super::encode::{ALWAYS, Buf, Enc, brc, registers_memory};
use super::inst::DIFFERENT;
use super::ops::Op;
use super::regs::{self, FP, LR, R0, R1, SP, f, r, v};
use super::vector::{Vop, memory};
use crate::abi::{AbiError, FrameLayout, RegLists, SigAbi, assign, pass_through_returns};
use regalloc2::{PReg, PRegSet, RegClass};
use sidetrack_artifact::{TrapCode, UnwindOp};
use sidetrack_ir::{ArgumentPurpose, CallConv, Signature};

const PAGE: u32 = 4096;

/// Bytes at the bottom of a frame that belong to the platform's callees.
const SAVE_AREA: u32 = 160;

/// Where a signature's values travel.
///
/// # Errors
/// If a parameter is a struct passed by value, or a `preserve_all` result finds no
/// argument register to pass through.
pub fn sig_abi(sig: &Signature) -> Result<SigAbi, AbiError> {
    if sig.params.iter().any(|param| matches!(param.purpose, ArgumentPurpose::StructArgument(_))) {
        return Err(AbiError("struct arguments passed by value are not supported".to_string()));
    }
    let ints: [PReg; 6] = std::array::from_fn(|n| r(2 + n));
    let floats = [0, 2, 4, 6, 1, 3, 5, 7].map(f);
    let (int_count, float_count, area) = match sig.call_conv {
        CallConv::SystemV | CallConv::WindowsFastcall => (5, 4, SAVE_AREA),
        CallConv::PreserveAll => (5, 4, 0),
        CallConv::Fast | CallConv::Tail => (6, 8, 0),
    };
    // Where there are no vectors, none come here.
    let vectors = [24, 26, 28, 30, 25, 27, 29, 31].map(v);
    let (ints, floats) = (&ints[..], &floats[..]);
    let params = RegLists {
        ints: &ints[..int_count],
        floats: &floats[..float_count],
        vectors: Some(&vectors),
        floats_in_ints: false,
    };
    let rets = RegLists {
        ints: &ints[..4],
        floats: &floats[..4],
        vectors: Some(&vectors[..4]),
        floats_in_ints: false,
    };
    let mut abi = assign(sig, params, rets, area, false);
    abi.callee_pops = sig.call_conv == CallConv::Tail;
    pass_through_returns(sig, &mut abi)?;
    Ok(abi)
}

fn all() -> impl Iterator<Item = PReg> {
    regs::ints().chain(regs::floats()).chain(regs::vectors())
}

/// Whether callees of this convention save the register, of a vector register around a
/// float the float.
fn is_saved(conv: CallConv, preg: PReg) -> bool {
    match conv {
        CallConv::PreserveAll => true,
        CallConv::Tail => false,
        // r6 and r7 carry arguments.
        CallConv::Fast => preg.hw_enc() >= 8 && preg.class() != RegClass::Vector,
        CallConv::SystemV | CallConv::WindowsFastcall => regs::is_saved(preg),
    }
}

/// The registers that a call leaves in an unknown state.
pub fn call_clobbers(conv: CallConv, has_vectors: bool) -> PRegSet {
    let kept = |preg: &PReg| {
        let whole = preg.class() == RegClass::Int || !has_vectors || conv == CallConv::PreserveAll;
        whole && is_saved(conv, *preg)
    };
    let there = |preg: &PReg| has_vectors || preg.class() != RegClass::Vector;
    regs::set(all().filter(there).filter(|preg| !kept(preg)))
}

/// The registers that a function must save, of those that it writes: integers from the
/// highest down, so that neighbours are saved together.
pub fn callee_saves(conv: CallConv, written: PRegSet) -> Vec<PReg> {
    let mut ints: Vec<PReg> = regs::ints().collect();
    ints.reverse();
    let saved = |preg: &PReg| is_saved(conv, *preg) && written.contains(*preg);
    ints.into_iter().chain(regs::floats()).chain(regs::vectors()).filter(saved).collect()
}

/// Bytes that a saved register takes.
pub fn save_bytes(conv: CallConv, preg: PReg, has_vectors: bool) -> u32 {
    let whole = conv == CallConv::PreserveAll && preg.class() != RegClass::Int && has_vectors;
    if whole { 16 } else { 8 }
}

/// Saves or restores the registers, as many at a time as are neighbours.
fn saves(frame: &FrameLayout, restore: bool, buffer: &mut Buf, mut done: impl FnMut(PReg, i32, u32)) {
    let ints = frame.saved.iter().filter(|(preg, _)| preg.class() == RegClass::Int).count();
    let (mut rest, others) = frame.saved.split_at(ints);
    while let Some(&(last, _)) = rest.first() {
        let count = (1..=rest.len()).take_while(|&n| last.hw_enc() + 1 - n == rest[n - 1].0.hw_enc()).count();
        let (first, offset) = rest[count - 1];
        let (first, last) = (first.hw_enc() as u8, last.hw_enc() as u8);
        match (count, restore) {
            (1, false) => memory_at(buffer, Op::Stg, first, FP, offset),
            (1, true) => memory_at(buffer, Op::Lg, first, FP, offset),
            (_, false) => buffer.code(registers_memory(Op::Stmg, first, last, FP, offset)),
            (_, true) => buffer.code(registers_memory(Op::Lmg, first, last, FP, offset)),
        }
        for &(preg, offset) in &rest[..count] {
            done(preg, offset, buffer.offset());
        }
        rest = &rest[count..];
    }
    // All 16 bytes of a vector register come at multiples of 16.
    let whole = others.first().is_some_and(|(_, offset)| -offset >= ints as i32 * 8 + 16);
    for &(preg, offset) in others {
        let reg = preg.hw_enc() as u8;
        match (whole, restore) {
            (true, _) => {
                add_imm(buffer, R1, FP, offset);
                buffer.code(memory(if restore { Vop::Vl } else { Vop::Vst }, reg, 0, R1, 0, 0));
            }
            (false, false) => memory_at(buffer, Op::Stdy, reg, FP, offset),
            (false, true) => memory_at(buffer, Op::Ldy, reg, FP, offset),
        }
        done(preg, offset, buffer.offset());
    }
}

/// Emits the prologue; returns its unwinding steps.
pub fn emit_prologue(frame: &FrameLayout, buffer: &mut Buf) -> Vec<(u32, UnwindOp)> {
    let mut ops = Vec::with_capacity(2 + frame.saved.len());
    let size = frame.arg_area - frame.stack_args + frame.setup;
    add_imm(buffer, SP, SP, -(size as i32));
    buffer.add_trap(TrapCode::StackOverflow);
    memory_at(buffer, Op::Stg, LR, SP, 8);
    memory_at(buffer, Op::Stg, FP, SP, 0);
    ops.push((buffer.offset(), UnwindOp::PushFrame { size }));
    buffer.two(Op::Lgr, FP, SP);
    ops.push((buffer.offset(), UnwindOp::DefineFrame));
    probe(buffer, frame.size());
    saves(frame, false, buffer, |preg, offset, at| {
        let cfa_offset = size.wrapping_add_signed(-offset);
        ops.push((at, UnwindOp::SaveReg { reg: regs::dwarf(preg), cfa_offset }));
    });
    ops
}

/// Moves sp down by `size`, touching every page on the way.
fn probe(buffer: &mut Buf, size: u32) {
    let pages = size / PAGE;
    let step = |buffer: &mut Buf| {
        add_imm(buffer, SP, SP, -(PAGE as i32));
        buffer.add_trap(TrapCode::StackOverflow);
        memory_at(buffer, Op::Stg, R0, SP, 0);
    };
    if pages <= 3 {
        for _ in 0..pages {
            step(buffer);
        }
    } else {
        // r0 is where the loop ends.
        load_constant(buffer, R0, -i64::from(pages * PAGE));
        buffer.two(Op::Agr, R0, SP);
        let start = buffer.offset();
        step(buffer);
        buffer.two(Op::Cgr, SP, R0);
        let back = start as i32 - buffer.offset() as i32;
        buffer.code(brc(DIFFERENT, back));
    }
    add_imm(buffer, SP, SP, -((size % PAGE) as i32));
}

/// Sets sp to where it is in the function's body.
pub fn restore_sp(frame: &FrameLayout, buffer: &mut Buf) {
    add_imm(buffer, SP, FP, -(frame.size() as i32));
}

/// Emits the epilogue up to the return or jump: registers are the caller's again, the
/// return address in r14, and `keep` bytes of the argument area stay on the stack. Does
/// not write r1, unless vectors are restored.
pub fn emit_epilogue(frame: &FrameLayout, keep: u32, buffer: &mut Buf) {
    saves(frame, true, buffer, |_, _, _| {});
    memory_at(buffer, Op::Lg, LR, FP, 8);
    // What is below sp may be overwritten at any time.
    if frame.size() > 0 {
        buffer.two(Op::Lgr, SP, FP);
    }
    memory_at(buffer, Op::Lg, FP, SP, 0);
    add_imm(buffer, SP, SP, (frame.setup + frame.arg_area - keep) as i32);
}

/// Emits the epilogue and return.
pub fn emit_return(frame: &FrameLayout, buffer: &mut Buf) {
    emit_epilogue(frame, if frame.callee_pops { 0 } else { frame.stack_args }, buffer);
    buffer.two(Op::Bcr, ALWAYS, LR);
}
