//! x86-64.
//!
//! The rooms: `regs` the register file, `ops` the instruction table, `sse` that of
//! vector instructions, `encode` prefixes and operands, `operand` and `inst` the
//! instruction type, `features` what the processor has, `abi` conventions and frames,
//! `lower` rules, `emit` bytes, `patch` what a patcher must know.
//!
//! A value narrower than its register has undefined upper bits; operations of 8
//! and 16 bits are used where that matters to the result.

mod abi;
mod emit;
mod encode;
mod features;
mod inst;
mod lower;
mod operand;
mod ops;
mod patch;
mod regs;
mod sse;
#[cfg(test)]
mod tests;

use crate::abi::{AbiError, FrameLayout, SigAbi};
use crate::buffer::{BufferSpec, Label};
use crate::isa::features::builder_of;
use crate::isa::{Builder, TargetIsa};
use crate::lower::Lower;
use crate::reg::Reg;
use crate::settings::Flags;
use crate::vcode::Backend;
use crate::{CodegenError, compile_with};
use encode::Buf;
use features::Features;
use inst::Inst;
use regalloc2::{MachineEnv, PReg, PRegSet, RegClass};
use sidetrack_artifact::{Architecture, CompiledFunction, UnwindOp};
use sidetrack_ir::{CallConv, Function, Signature, Type};
use std::sync::Arc;

/// The target's name.
pub const NAME: &str = "x86_64";

/// The target with its settings.
#[derive(Debug)]
pub struct X64 {
    flags: Flags,
    features: Features,
    env: MachineEnv,
}

/// A builder of the target without features beyond the base of x86-64.
pub fn builder() -> Box<dyn Builder> {
    builder_of(|flags, features| Arc::new(X64 { flags, features, env: regs::machine_env() }))
}

#[cfg(test)]
impl X64 {
    /// The target as it is without any setting.
    pub(crate) fn plain() -> X64 {
        X64 { flags: Flags::default(), features: Features::default(), env: regs::machine_env() }
    }
}

impl TargetIsa for X64 {
    fn name(&self) -> &'static str {
        NAME
    }

    fn architecture(&self) -> Architecture {
        Architecture::X86_64
    }

    fn flags(&self) -> &Flags {
        &self.flags
    }

    fn features(&self) -> String {
        self.features.names()
    }

    fn whole_stores(&self) -> u8 {
        16
    }

    fn nop_units(&self) -> &'static [&'static [u8]] {
        patch::NOP_UNITS
    }

    fn compile_legal(&self, func: &Function) -> Result<CompiledFunction, CodegenError> {
        compile_with(self, func)
    }
}

impl Backend for X64 {
    type Inst = Inst;

    fn buffer_spec(&self) -> BufferSpec {
        patch::BUFFER_SPEC
    }

    fn flags(&self) -> &Flags {
        &self.flags
    }

    fn machine_env(&self) -> &MachineEnv {
        &self.env
    }

    fn spill_bytes(_class: RegClass) -> u32 {
        8
    }

    fn vector_class(&self) -> Option<RegClass> {
        Some(RegClass::Float)
    }

    fn sig_abi(&self, sig: &Signature) -> Result<SigAbi, AbiError> {
        abi::sig_abi(sig)
    }

    fn call_clobbers(&self, sig: &Signature) -> PRegSet {
        abi::call_clobbers(sig.call_conv)
    }

    fn callee_saves(&self, conv: CallConv, written: PRegSet) -> Vec<PReg> {
        abi::callee_saves(conv, written)
    }

    fn save_bytes(&self, _conv: CallConv, preg: PReg) -> u32 {
        if preg.class() == RegClass::Int { 8 } else { 16 }
    }

    fn exception_payloads(&self) -> [PReg; 2] {
        [regs::RAX, regs::RDX]
    }

    fn implicit_sret(&self, conv: CallConv) -> Option<PReg> {
        let returned = matches!(conv, CallConv::SystemV | CallConv::Fast | CallConv::WindowsFastcall);
        returned.then_some(regs::RAX)
    }

    fn emit_prologue(&self, frame: &FrameLayout, buffer: &mut Buf) -> Vec<(u32, UnwindOp)> {
        abi::emit_prologue(frame, buffer)
    }

    fn emit_island_jump(buffer: &mut Buf, target: Label) {
        emit::jump(buffer, target);
    }

    fn lower(&self, ctx: &mut Lower<'_, Self>, inst: sidetrack_ir::Inst) -> Result<(), String> {
        lower::lower(ctx, inst)
    }

    fn lower_branch(
        &self,
        ctx: &mut Lower<'_, Self>,
        inst: sidetrack_ir::Inst,
        targets: &[Label],
    ) -> Result<(), String> {
        lower::lower_branch(ctx, inst, targets)
    }

    fn lower_const(&self, ctx: &mut Lower<'_, Self>, ty: Type, bits: u64) -> Reg {
        lower::constant(ctx, ty, bits)
    }

    fn lower_vconst(&self, ctx: &mut Lower<'_, Self>, _ty: Type, bytes: [u8; 16]) -> Reg {
        lower::vector_constant(ctx, u128::from_le_bytes(bytes))
    }
}
