//! Calling conventions and frames.
//!
//! `fast`, `system_v` and `windows_fastcall` are one convention here: arguments and
//! returns in x0 to x14, f0 to f15 and v0 to v15, then on the stack; the upper half of each
//! class is saved by the callee. In `tail` no register is saved and the callee
//! removes its stack arguments, so that a tail call may have more of them than the
//! function that makes it. In `preserve_all` the callee saves whatever it writes,
//! and a return value is in the register of the parameter that it passes through.
//!
//! The frame pointer cannot be the base of an access. As the stack pointer stays
//! where it is between prologue and epilogue, every frame address is relative to
//! it.

use super::emit::Emit;
use super::inst::PcRel;
use super::ops::{FLoad, FStore, XLoad, XStore};
use super::regs::{self, SP, freg, vreg, xreg};
use crate::abi::{
    AbiError, FrameLayout, RegLists, SigAbi, StackAddr, StackBase, assign, pass_through_returns,
};
use crate::buffer::Buffer;
use crate::reg::Reg;
use pulley_interpreter::{AddrO32, encode};
use regalloc2::{PReg, PRegSet, RegClass};
use sidetrack_artifact::{TrapCode, UnwindOp};
use sidetrack_ir::{CallConv, Signature};

/// The register that holds the callee of an indirect tail call: no argument, and
/// not saved by callees.
pub const TAIL_CALLEE: PReg = regs::x(15);

/// Where a signature's values travel.
///
/// # Errors
/// If a `preserve_all` result finds no argument register to pass through.
pub fn sig_abi(sig: &Signature) -> Result<SigAbi, AbiError> {
    let ints: Vec<PReg> = (0..15).map(regs::x).collect();
    let floats: Vec<PReg> = (0..16).map(regs::f).collect();
    let vectors: Vec<PReg> = (0..16).map(regs::v).collect();
    let lists = RegLists { ints: &ints, floats: &floats, vectors: Some(&vectors), floats_in_ints: false };
    let mut abi = assign(sig, lists, lists, 0, false);
    abi.callee_pops = sig.call_conv == CallConv::Tail;
    pass_through_returns(sig, &mut abi)?;
    Ok(abi)
}

/// The registers that a call leaves in an unknown state.
pub fn call_clobbers(conv: CallConv) -> PRegSet {
    let clobbered = match conv {
        CallConv::PreserveAll => 0..0,
        CallConv::Tail => 0..regs::NUM_F,
        CallConv::Fast | CallConv::SystemV | CallConv::WindowsFastcall => 0..regs::FIRST_SAVED,
    };
    regs::numbered(clobbered).fold(PRegSet::empty(), |set, preg| set.with(preg))
}

/// The registers that a function must save, of those that it writes.
pub fn callee_saves(conv: CallConv, written: PRegSet) -> Vec<PReg> {
    let saved = match conv {
        CallConv::PreserveAll => 0..regs::NUM_F,
        CallConv::Tail => 0..0,
        CallConv::Fast | CallConv::SystemV | CallConv::WindowsFastcall => regs::FIRST_SAVED..regs::NUM_F,
    };
    regs::numbered(saved).filter(|preg| written.contains(*preg)).collect()
}

/// The distance in bytes of a frame address from the stack pointer.
pub fn sp_offset(frame: &FrameLayout, addr: StackAddr) -> i32 {
    match frame.resolve(addr) {
        (StackBase::Sp, offset) => offset,
        (StackBase::Fp, offset) => frame.size() as i32 + offset,
    }
}

/// Emits the prologue; returns its unwinding steps.
pub fn emit_prologue(frame: &FrameLayout, buffer: &mut Buffer<PcRel>) -> Vec<(u32, UnwindOp)> {
    let mut ops = Vec::with_capacity(2 + frame.saved.len());
    let growth = frame.arg_area - frame.stack_args;
    // Whatever moves the stack pointer down stops at the stack's end.
    if growth > 0 {
        buffer.add_trap(TrapCode::StackOverflow);
        buffer.encode(|code| encode::stack_alloc32(code, growth));
    }
    buffer.add_trap(TrapCode::StackOverflow);
    buffer.encode(encode::push_frame);
    let size = growth + frame.setup;
    ops.push((buffer.offset(), UnwindOp::PushFrame { size }));
    ops.push((buffer.offset(), UnwindOp::DefineFrame));
    if frame.size() > 0 {
        buffer.add_trap(TrapCode::StackOverflow);
        buffer.encode(|code| encode::stack_alloc32(code, frame.size()));
    }
    for &(preg, offset) in &frame.saved {
        buffer.encode(|code| {
            let (reg, offset) = (Reg::physical(preg), frame.size() as i32 + offset);
            match preg.class() {
                RegClass::Int => XStore::xstore64le.encode(code, xreg(SP), offset, false, xreg(reg)),
                RegClass::Float => FStore::fstore64le.encode(code, xreg(SP), offset, false, freg(reg)),
                RegClass::Vector => {
                    encode::vstore128le_o32(code, AddrO32 { addr: xreg(SP), offset }, vreg(reg));
                }
            }
        });
        let cfa_offset = size.wrapping_add_signed(-offset);
        ops.push((buffer.offset(), UnwindOp::SaveReg { reg: regs::unwind_number(preg), cfa_offset }));
    }
    ops
}

/// Emits the epilogue up to the return or jump: registers and frame pointer are
/// the caller's again, and `keep` bytes of the argument area stay on the stack.
pub fn emit_epilogue(frame: &FrameLayout, keep: u32, buffer: &mut Buffer<PcRel>) {
    for &(preg, offset) in &frame.saved {
        buffer.encode(|code| {
            let (reg, offset) = (Reg::physical(preg), frame.size() as i32 + offset);
            match preg.class() {
                RegClass::Int => XLoad::xload64le.encode(code, xreg(SP), offset, false, xreg(reg)),
                RegClass::Float => FLoad::fload64le.encode(code, xreg(SP), offset, false, freg(reg)),
                RegClass::Vector => {
                    encode::vload128le_o32(code, vreg(reg), AddrO32 { addr: xreg(SP), offset });
                }
            }
        });
    }
    buffer.encode(encode::pop_frame);
    if frame.arg_area > keep {
        buffer.encode(|code| encode::stack_free32(code, frame.arg_area - keep));
    }
}
