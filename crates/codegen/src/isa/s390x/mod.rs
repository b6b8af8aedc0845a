//! IBM z/Architecture, 64 bits, big-endian, from the z13 on; its vector facility and
//! what later machines add by flags.
//!
//! The rooms: `regs` the register file, `ops` the instruction table, `vector` that of
//! the vector facility, `encode` operands, `inst` the instruction type, `features` what the
//! processor has, `abi` conventions and frames, `lower` rules, `emit` bytes, `patch` what
//! a patcher must know.
//!
//! A value narrower than its register has undefined upper bits. A float of 32 bits is
//! in the upper half of its register.

mod abi;
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
mod vector;

use crate::abi::{AbiError, FrameLayout, SigAbi};
use crate::buffer::{BufferSpec, Label};
use crate::isa::features::builder_of;
use crate::isa::{Builder, TargetIsa};
use crate::lower::Lower;
use crate::reg::Reg;
use crate::settings::Flags;
use crate::vcode::Backend;
use crate::{CodegenError, compile_with, split_vectors};
use encode::Buf;
use features::Features;
use inst::Inst;
use regalloc2::{MachineEnv, PReg, PRegSet, RegClass};
use sidetrack_artifact::{Architecture, CompiledFunction, UnwindOp};
use sidetrack_ir::{CallConv, Endianness, Function, Signature, Type};
use std::sync::Arc;

/// The target's name.
pub const NAME: &str = "s390x";

/// The target with its settings.
#[derive(Debug)]
pub struct S390x {
    flags: Flags,
    features: Features,
    env: MachineEnv,
}

/// A builder of the target without facilities beyond the base.
pub fn builder() -> Box<dyn Builder> {
    builder_of(|flags, features| Arc::new(S390x { flags, features, env: regs::machine_env(features.vx()) }))
}

impl TargetIsa for S390x {
    fn name(&self) -> &'static str {
        NAME
    }

    fn architecture(&self) -> Architecture {
        Architecture::S390x
    }

    fn flags(&self) -> &Flags {
        &self.flags
    }

    fn features(&self) -> String {
        self.features.names()
    }

    fn whole_stores(&self) -> u8 {
        // Nothing is stored before all of it is known to be accessible; without the vector
        // facility, vectors are stored as two integers.
        if self.features.vx() { 16 } else { 8 }
    }

    fn nop_units(&self) -> &'static [&'static [u8]] {
        patch::NOP_UNITS
    }

    fn compile_legal(&self, func: &Function) -> Result<CompiledFunction, CodegenError> {
        if self.features.vx() {
            return compile_with(self, func);
        }
        let split = split_vectors(func, Endianness::Big, &self.flags)?;
        compile_with(self, split.as_ref().unwrap_or(func))
    }
}

impl Backend for S390x {
    type Inst = Inst;
    const UPPER_FLOATS: bool = true;

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
        abi::call_clobbers(sig.call_conv, self.features.vx())
    }

    fn callee_saves(&self, conv: CallConv, written: PRegSet) -> Vec<PReg> {
        abi::callee_saves(conv, written)
    }

    fn save_bytes(&self, conv: CallConv, preg: PReg) -> u32 {
        abi::save_bytes(conv, preg, self.features.vx())
    }

    fn vector_class(&self) -> Option<RegClass> {
        self.features.vx().then_some(RegClass::Vector)
    }

    fn exception_payloads(&self) -> [PReg; 2] {
        [regs::r(2), regs::r(3)]
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

    fn lower_vconst(&self, ctx: &mut Lower<'_, Self>, _ty: Type, bytes: [u8; 16]) -> Reg {
        lower::vector_constant(ctx, bytes)
    }

    fn lower_const(&self, ctx: &mut Lower<'_, Self>, ty: Type, bits: u64) -> Reg {
        lower::constant(ctx, ty, bits)
    }
}
