//! RISC-V, 64 bits, with the extensions G (IMAFD and fences); Zba, Zbb, Zbs and V by
//! flags. Without V vectors are pairs of integers; with it a vector is the first 128
//! bits of a register, however long those are.
//!
//! The rooms: `regs` the register file, `ops` the instruction table, `encode`
//! operands, `inst` the instruction type, `features` what the processor has, `abi`
//! conventions and frames, `lower` rules, `emit` bytes, `disasm`
//! what they say, `patch` what a patcher must
//! know.
//!
//! Instructions of 32 bits sign-extend their results; the rules know which values
//! are extended already. In general a value narrower than its register has
//! undefined upper bits. A float of 32 bits has ones above it, as every instruction
//! that makes one leaves there.

mod abi;
pub mod disasm;
mod emit;
mod encode;
mod features;
mod inst;
mod lower;
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
use crate::{CodegenError, compile_with, split_vectors};
use cranelift_entity::SecondaryMap;
use encode::Buf;
use features::Features;
use inst::Inst;
use regalloc2::{MachineEnv, PReg, PRegSet, RegClass};
use sidetrack_artifact::{Architecture, CompiledFunction, UnwindOp};
use sidetrack_ir::{CallConv, Endianness, Function, Signature, Type};
use std::sync::Arc;

/// The target's name.
pub const NAME: &str = "riscv64";

/// The target with its settings.
#[derive(Debug)]
pub struct Riscv64 {
    flags: Flags,
    features: Features,
    env: MachineEnv,
}

/// A builder of the target without extensions beyond G.
pub fn builder() -> Box<dyn Builder> {
    builder_of(|flags, features| Arc::new(Riscv64 { flags, features, env: regs::machine_env(features.v()) }))
}

impl TargetIsa for Riscv64 {
    fn name(&self) -> &'static str {
        NAME
    }

    fn architecture(&self) -> Architecture {
        Architecture::Riscv64
    }

    fn flags(&self) -> &Flags {
        &self.flags
    }

    fn features(&self) -> String {
        self.features.names()
    }

    fn whole_stores(&self) -> u8 {
        // What is not aligned may be done byte by byte, by the firmware.
        1
    }

    fn nop_units(&self) -> &'static [&'static [u8]] {
        patch::NOP_UNITS
    }

    fn compile_legal(&self, func: &Function) -> Result<CompiledFunction, CodegenError> {
        if self.features.v() {
            return compile_with(self, func);
        }
        let split = split_vectors(func, Endianness::Little, &self.flags)?;
        compile_with(self, split.as_ref().unwrap_or(func))
    }
}

impl Backend for Riscv64 {
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

    fn sig_abi(&self, sig: &Signature) -> Result<SigAbi, AbiError> {
        abi::sig_abi(sig)
    }

    fn call_clobbers(&self, sig: &Signature) -> PRegSet {
        abi::call_clobbers(sig.call_conv, self.features.v())
    }

    fn callee_saves(&self, conv: CallConv, written: PRegSet) -> Vec<PReg> {
        abi::callee_saves(conv, written)
    }

    fn save_bytes(&self, _conv: CallConv, preg: PReg) -> u32 {
        abi::save_bytes(preg)
    }

    fn vector_class(&self) -> Option<RegClass> {
        self.features.v().then_some(RegClass::Vector)
    }

    fn exception_payloads(&self) -> [PReg; 2] {
        [regs::x(regs::A0), regs::x(regs::A0 + 1)]
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

    fn extended_params(&self, func: &Function) -> SecondaryMap<sidetrack_ir::Value, bool> {
        lower::extended_params(func)
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

    fn lower_vconst(&self, ctx: &mut Lower<'_, Self>, _ty: Type, bytes: [u8; 16]) -> Reg {
        lower::vector_constant(ctx, bytes)
    }

    fn lower_const(&self, ctx: &mut Lower<'_, Self>, ty: Type, bits: u64) -> Reg {
        lower::constant(ctx, ty, bits)
    }
}
