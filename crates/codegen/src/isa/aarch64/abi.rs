//! Calling conventions and frames.
//!
//! `system_v` is the platform's (AAPCS64), but that structs are passed by address
//! only; `windows_fastcall` is the same. `fast` and `tail` take arguments and return
//! values in the same registers; `fast` saves the same integer registers, but no vectors.
//! In `tail` nothing is saved, and the callee removes its stack arguments, so that a tail
//! call may have more of them than the function that makes it. In `preserve_all` the callee saves whatever
//! it writes, all 16 bytes of vector registers, and a return value is in the register
//! of the parameter that it passes through. Every function has a frame pointer; at it
//! are the caller's and the return address.
//!
//! The platform's callees save the lower 8 bytes of v8 to v15. They are saved here, but
//! no value is kept in them across calls, as it may be a vector.

use super::emit::{add_imm, mem, restore_sp};
use super::encode::{self, Buf, Words};
use super::ops::{AluOp, Cc, MemOp, MovOp, PairOp, Size};
use super::regs::{self, SCRATCH};
use crate::abi::{AbiError, AbiLoc, AbiSlot, FrameLayout, RegLists, SigAbi, assign, pass_through_returns};
use regalloc2::{PReg, PRegSet, RegClass};
use sidetrack_artifact::{TrapCode, UnwindOp};
use sidetrack_ir::{ArgumentPurpose, CallConv, Signature};

const PAGE: u32 = 4096;
const FP: u8 = 29;
const LR: u8 = 30;
const SP: u8 = 31;

/// Where a signature's values travel.
///
/// # Errors
/// If a parameter is a struct passed by value, or a `preserve_all` result finds no
/// argument register to pass through.
pub fn sig_abi(sig: &Signature) -> Result<SigAbi, AbiError> {
    if sig.params.iter().any(|param| matches!(param.purpose, ArgumentPurpose::StructArgument(_))) {
        return Err(AbiError("struct arguments passed by value are not supported".to_string()));
    }
    let ints: [PReg; 8] = std::array::from_fn(regs::x);
    let floats: [PReg; 8] = std::array::from_fn(regs::v);
    let lists = RegLists { ints: &ints, floats: &floats, vectors: None, floats_in_ints: false };
    // The address of a returned struct has a register of its own.
    let is_sret = |purpose: ArgumentPurpose| purpose == ArgumentPurpose::StructReturn;
    let sret = sig.params.iter().position(|param| is_sret(param.purpose));
    let mut abi = match sret {
        None => assign(sig, lists, lists, 0, false),
        Some(index) => {
            let mut others = sig.clone();
            let param = others.params.remove(index);
            let mut abi = assign(&others, lists, lists, 0, false);
            let slot = AbiSlot { loc: AbiLoc::Reg(regs::x(8)), ty: param.ty, extension: param.extension };
            abi.params.insert(index, slot);
            abi
        }
    };
    abi.callee_pops = sig.call_conv == CallConv::Tail;
    pass_through_returns(sig, &mut abi)?;
    Ok(abi)
}

fn all() -> impl Iterator<Item = PReg> {
    regs::ints().chain(regs::vectors())
}

/// The registers that a call leaves in an unknown state.
pub fn call_clobbers(conv: CallConv) -> PRegSet {
    let kept = |preg: &PReg| match conv {
        CallConv::PreserveAll => true,
        CallConv::Tail => false,
        _ => preg.class() == RegClass::Int && regs::is_platform_saved(*preg),
    };
    regs::set(all().filter(|preg| !kept(preg)))
}

/// The registers that a function must save, of those that it writes.
pub fn callee_saves(conv: CallConv, written: PRegSet) -> Vec<PReg> {
    let saved = |preg: &PReg| match conv {
        CallConv::PreserveAll => true,
        CallConv::SystemV | CallConv::WindowsFastcall => regs::is_platform_saved(*preg),
        CallConv::Fast => preg.class() == RegClass::Int && regs::is_platform_saved(*preg),
        CallConv::Tail => false,
    };
    all().filter(|preg| saved(preg) && written.contains(*preg)).collect()
}

/// Bytes that a saved register takes.
pub fn save_bytes(conv: CallConv, preg: PReg) -> u32 {
    let whole = conv == CallConv::PreserveAll && preg.class() != RegClass::Int;
    if whole { 16 } else { 8 }
}

/// Saves or restores the registers, two at a time where they are neighbours.
fn saves(frame: &FrameLayout, restore: bool, buffer: &mut Buf, mut done: impl FnMut(PReg, i32, u32)) {
    let mut rest = &frame.saved[..];
    while let Some((&(preg, offset), after)) = rest.split_first() {
        rest = after;
        let quad = is_quad(frame, preg);
        let (step, near) = if quad { (16, -1024) } else { (8, -512) };
        if let Some((&(next, lower), after)) = rest.split_first()
            && next.class() == preg.class()
            && lower == offset - step
            && lower >= near
        {
            let op = match (preg.class(), quad, restore) {
                (RegClass::Int, _, false) => PairOp::StpX,
                (RegClass::Int, _, true) => PairOp::LdpX,
                (_, false, false) => PairOp::StpD,
                (_, false, true) => PairOp::LdpD,
                (_, true, false) => PairOp::StpQ,
                (_, true, true) => PairOp::LdpQ,
            };
            buffer.word(encode::pair(op, next.hw_enc() as u8, preg.hw_enc() as u8, FP, lower));
            done(preg, offset, buffer.offset());
            done(next, lower, buffer.offset());
            rest = after;
            continue;
        }
        let op = match (preg.class(), quad, restore) {
            (RegClass::Int, _, false) => MemOp::StrX,
            (RegClass::Int, _, true) => MemOp::LdrX,
            (_, false, false) => MemOp::StrD,
            (_, false, true) => MemOp::LdrD,
            (_, true, false) => MemOp::StrQ,
            (_, true, true) => MemOp::LdrQ,
        };
        mem(buffer, op, preg.hw_enc() as u8, FP, offset, None);
        done(preg, offset, buffer.offset());
    }
}

/// Whether all 16 bytes of a saved vector register are: those come at multiples of 16
/// only, at distances of 16.
fn is_quad(frame: &FrameLayout, preg: PReg) -> bool {
    let mut vectors = frame.saved.iter().filter(|(preg, _)| preg.class() != RegClass::Int);
    let first = vectors.next().map_or(0, |(_, offset)| *offset);
    let ints: i32 = frame.saved.iter().filter(|(preg, _)| preg.class() == RegClass::Int).count() as i32 * 8;
    preg.class() != RegClass::Int && -first >= ints + 16
}

/// Emits the prologue; returns its unwinding steps.
pub fn emit_prologue(frame: &FrameLayout, buffer: &mut Buf) -> Vec<(u32, UnwindOp)> {
    let mut ops = Vec::with_capacity(2 + frame.saved.len());
    let growth = frame.arg_area - frame.stack_args;
    if growth > 0 {
        add_imm(buffer, SP, SP, -i64::from(growth));
    }
    buffer.add_trap(TrapCode::StackOverflow);
    buffer.word(encode::pair(PairOp::StpXPre, FP, LR, SP, -16));
    let size = growth + frame.setup;
    ops.push((buffer.offset(), UnwindOp::PushFrame { size }));
    add_imm(buffer, FP, SP, 0);
    ops.push((buffer.offset(), UnwindOp::DefineFrame));
    probe(buffer, frame.size());
    let saved = |preg, offset: i32, at| {
        let cfa_offset = size.wrapping_add_signed(-offset);
        ops.push((at, UnwindOp::SaveReg { reg: regs::dwarf(preg), cfa_offset }));
    };
    saves(frame, false, buffer, saved);
    ops
}

/// Moves sp down by `size`, touching every page on the way.
fn probe(buffer: &mut Buf, size: u32) {
    let page = |buffer: &mut Buf| {
        add_imm(buffer, SP, SP, -i64::from(PAGE));
        buffer.add_trap(TrapCode::StackOverflow);
        buffer.word(encode::mem_scaled(MemOp::StrX, 31, SP, 0));
    };
    let pages = size / PAGE;
    if pages <= 4 {
        (0..pages).for_each(|_| page(buffer));
    } else {
        // Frames are below 2^32 bytes, so the number of pages has at most 20 bits.
        buffer.word(encode::mov(MovOp::Movz, Size::S32, SCRATCH, pages as u16, 0));
        if pages >> 16 != 0 {
            buffer.word(encode::mov(MovOp::Movk, Size::S32, SCRATCH, (pages >> 16) as u16, 1));
        }
        let start = buffer.offset();
        page(buffer);
        let one = encode::Imm12::new(1).expect("one has less than twelve bits");
        buffer.word(encode::alu_imm12(AluOp::Subs, Size::S32, SCRATCH, SCRATCH, one));
        let back = start.wrapping_sub(buffer.offset()) >> 2 & 0x7ffff;
        buffer.word(encode::b_cond(Cc::Ne) | back << 5);
    }
    if !size.is_multiple_of(PAGE) {
        add_imm(buffer, SP, SP, -i64::from(size % PAGE));
    }
}

/// Emits the epilogue up to the return or jump: registers, frame pointer and return
/// address are the caller's again, and `keep` bytes of the argument area stay on the
/// stack.
pub fn emit_epilogue(frame: &FrameLayout, keep: u32, buffer: &mut Buf) {
    saves(frame, true, buffer, |_, _, _| {});
    if frame.size() > 0 {
        add_imm(buffer, SP, FP, 0);
    }
    buffer.word(encode::pair(PairOp::LdpXPost, FP, LR, SP, 16));
    if frame.arg_area > keep {
        add_imm(buffer, SP, SP, i64::from(frame.arg_area - keep));
    }
}

/// Emits the epilogue and return.
pub fn emit_return(frame: &FrameLayout, buffer: &mut Buf) {
    let keep = if frame.callee_pops { 0 } else { frame.stack_args };
    emit_epilogue(frame, keep, buffer);
    buffer.word(encode::RET);
}

/// Makes sp what it is in the function's body after a callee has removed its
/// arguments; a site that is off has removed nothing.
pub fn after_popping_call(frame: &FrameLayout, stack_args: u32, site: bool, buffer: &mut Buf) {
    if site {
        restore_sp(frame, buffer);
    } else {
        add_imm(buffer, SP, SP, -i64::from(stack_args));
    }
}
