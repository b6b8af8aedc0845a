//! Pulley: portable bytecode for the interpreter of the crate `pulley-interpreter`.
//!
//! Problem: code must run where no native code generator exists, and be tested
//! without the machine's own behaviour. Approach: a target like any other whose
//! machine instructions are bytecode. Registers are 64 bits wide; 32-bit
//! instructions leave the upper half of their destination as it was, so a value
//! narrower than its register has undefined upper bits here as elsewhere.
//!
//! The rooms: `regs` the register file, `ops` the instruction table, `inst` the
//! instruction type, `abi` conventions and frames, `lower` rules, `emit` bytes,
//! `patch` what a patcher must know.
//!
//! Atomic accesses are plain ones and fences nothing: the interpreter runs one
//! thread, and nothing interrupts it between two instructions.

mod abi;
mod emit;
mod inst;
mod lower;
mod ops;
mod patch;
mod regs;
#[cfg(test)]
mod tests;

use crate::abi::{AbiError, FrameLayout, SigAbi};
use crate::buffer::{Buffer, BufferSpec, Label};
use crate::isa::{Builder, TargetIsa};
use crate::lower::Lower;
use crate::reg::Reg;
use crate::settings::{Flags, SettingError};
use crate::vcode::Backend;
use crate::{CodegenError, compile_with};
use inst::{Inst, PcRel};
use regalloc2::{MachineEnv, PReg, PRegSet, RegClass};
use sidetrack_artifact::{Architecture, CompiledFunction, UnwindOp};
use sidetrack_ir::{CallConv, Function, Signature, Type};
use std::sync::Arc;

/// The target's name.
pub const NAME: &str = "pulley64";

/// The target with its settings.
#[derive(Debug)]
pub struct Pulley {
    flags: Flags,
    env: MachineEnv,
}

impl Pulley {
    /// The target with these settings.
    pub fn new(flags: Flags) -> Pulley {
        Pulley { flags, env: regs::machine_env() }
    }
}

/// A builder of the target, which has no flags of its own.
pub fn builder() -> Box<dyn Builder> {
    Box::new(PulleyBuilder)
}

struct PulleyBuilder;

impl Builder for PulleyBuilder {
    fn enable(&mut self, flag: &str) -> Result<(), SettingError> {
        Err(SettingError::Unknown(flag.to_string()))
    }

    fn enable_host(&mut self) {}

    fn missing_on_host(&self) -> Option<String> {
        None
    }

    fn finish(&self, flags: Flags) -> Arc<dyn TargetIsa> {
        Arc::new(Pulley::new(flags))
    }
}

impl TargetIsa for Pulley {
    fn name(&self) -> &'static str {
        NAME
    }

    fn architecture(&self) -> Architecture {
        Architecture::Pulley64
    }

    fn flags(&self) -> &Flags {
        &self.flags
    }

    fn whole_stores(&self) -> u8 {
        // It checks nothing itself, and what it runs on may be any machine.
        1
    }

    fn nop_units(&self) -> &'static [&'static [u8]] {
        patch::NOP_UNITS
    }

    fn compile_legal(&self, func: &Function) -> Result<CompiledFunction, CodegenError> {
        compile_with(self, func)
    }
}

impl Backend for Pulley {
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

    fn spill_bytes(class: RegClass) -> u32 {
        regs::bytes(class)
    }

    fn vector_class(&self) -> Option<RegClass> {
        Some(RegClass::Vector)
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
        regs::bytes(preg.class())
    }

    fn exception_payloads(&self) -> [PReg; 2] {
        [regs::x(0), regs::x(1)]
    }

    fn implicit_sret(&self, _conv: CallConv) -> Option<PReg> {
        None
    }

    fn emit_prologue(&self, frame: &FrameLayout, buffer: &mut Buffer<PcRel>) -> Vec<(u32, UnwindOp)> {
        abi::emit_prologue(frame, buffer)
    }

    fn emit_island_jump(buffer: &mut Buffer<PcRel>, target: Label) {
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
        lower::vconst(ctx, bytes)
    }
}
