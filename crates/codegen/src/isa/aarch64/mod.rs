//! AArch64.
//!
//! The rooms: `regs` the register file, `ops` the instruction table, `neon` that of
//! vector instructions, `encode` words, immediates and labels, `inst` the instruction
//! type, `features` what the processor has, `abi` conventions and frames, `lower` rules,
//! `emit` bytes, `patch` what a patcher must know.
//!
//! A value narrower than its register has undefined upper bits; operations of 32 bits
//! make the upper half of their register zero.

mod abi;
mod emit;
mod encode;
mod features;
mod inst;
mod lower;
mod neon;
mod ops;
mod patch;
mod regs;
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
pub const NAME: &str = "aarch64";

/// The target with its settings.
#[derive(Debug)]
pub struct Aarch64 {
    flags: Flags,
    features: Features,
    env: MachineEnv,
}

/// A builder of the target without features beyond the base of the architecture.
pub fn builder() -> Box<dyn Builder> {
    builder_of(|flags, features| Arc::new(Aarch64 { flags, features, env: regs::machine_env() }))
}

impl TargetIsa for Aarch64 {
    fn name(&self) -> &'static str {
        NAME
    }

    fn architecture(&self) -> Architecture {
        Architecture::Aarch64
    }

    fn flags(&self) -> &Flags {
        &self.flags
    }

    fn features(&self) -> String {
        self.features.names()
    }

    fn whole_stores(&self) -> u8 {
        // The architecture promises nothing; no processor is known to halve a general register's.
        8
    }

    fn nop_units(&self) -> &'static [&'static [u8]] {
        patch::NOP_UNITS
    }

    fn compile_legal(&self, func: &Function) -> Result<CompiledFunction, CodegenError> {
        compile_with(self, func)
    }
}

impl Backend for Aarch64 {
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

    fn save_bytes(&self, conv: CallConv, preg: PReg) -> u32 {
        abi::save_bytes(conv, preg)
    }

    fn exception_payloads(&self) -> [PReg; 2] {
        [regs::x(0), regs::x(1)]
    }

    fn implicit_sret(&self, _conv: CallConv) -> Option<PReg> {
        None
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
