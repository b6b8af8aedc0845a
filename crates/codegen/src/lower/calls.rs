//! Lowering of calls and returns: values put where the convention wants them.
//!
//! A `try_call` with handlers ends its block; its results, and the payloads of an
//! exception, are defined by the call in their physical registers and carried over
//! its edges in one virtual register for each. Handlers are entered with every
//! other register unknown, so such a call clobbers all.

use super::Lower;
use crate::abi::{AbiLoc, SigAbi, StackAddr};
use crate::buffer::Label;
use crate::call::{CallDest, CallInfo, SiteTag, StateOperand, TryCallInfo, TryClause};
use crate::reg::Reg;
use crate::state::changed_values;
use crate::symbol_name;
use crate::vcode::{Backend, MachInst};
use regalloc2::{PReg, PRegSet, RegClass};
use sidetrack_artifact::StatePlace;
use sidetrack_ir::types::F32;
use sidetrack_ir::{ArgumentExtension, ArgumentPurpose, ExceptionItem, Extra, Inst, Opcode, Value};
use smallvec::SmallVec;

impl<B: Backend> Lower<'_, B> {
    /// The value's register, extended as the convention asks.
    fn extended(&mut self, v: Value, extension: ArgumentExtension) -> Reg {
        let (ty, reg) = (self.ty(v), self.reg(v));
        let signed = match extension {
            ArgumentExtension::None => return reg,
            ArgumentExtension::Uext => false,
            ArgumentExtension::Sext => true,
        };
        if !ty.is_int() || ty.bits() == 64 {
            return reg;
        }
        let dst = self.temp(sidetrack_ir::types::I64);
        self.emit(B::Inst::extend(dst, reg, ty, signed));
        dst
    }

    pub(super) fn lower_return(&mut self, inst: Inst) -> Result<(), String> {
        let args: SmallVec<[Value; 4]> = SmallVec::from_slice(self.func.dfg.args(inst));
        let slots = self.abi.rets.clone();
        let mut uses = Vec::with_capacity(args.len());
        let mut stores = Vec::new();
        for (&v, slot) in args.iter().zip(&slots) {
            let reg = self.extended(v, slot.extension);
            match slot.loc {
                AbiLoc::Reg(preg) => uses.push((reg, preg)),
                AbiLoc::Stack(offset) => {
                    stores.push(B::Inst::store_stack(reg, StackAddr::ArgArea(offset as i32), slot.ty));
                }
            }
        }
        let sig = &self.func.signature;
        let sret = sig.params.iter().position(|param| param.purpose == ArgumentPurpose::StructReturn);
        if let (Some(index), true) = (sret, sig.returns.is_empty())
            && let Some(preg) = self.backend.implicit_sret(sig.call_conv)
        {
            let entry = self.func.layout.entry_block().expect("the function has blocks");
            let v = self.func.dfg.block_params(entry)[index];
            uses.push((self.reg(v), preg));
        }
        self.emitted.extend(stores);
        self.emit(B::Inst::ret(uses));
        Ok(())
    }

    /// The parts that all calls share: the callee, arguments put where they go.
    /// `stack` turns the offset of a stack argument into its address.
    fn call_start(
        &mut self,
        inst: Inst,
        stack: impl Fn(&SigAbi, u32) -> StackAddr,
    ) -> Result<(CallInfo, SigAbi), String> {
        let sig_ref = self.func.dfg.call_signature(inst).ok_or("the call has no signature")?;
        let sig = &self.func.dfg.signatures[sig_ref];
        let abi = self.backend.sig_abi(sig).map_err(|error| error.to_string())?;
        let dest = match self.func.dfg.call_target(inst) {
            Some(func) => CallDest::Direct(symbol_name(&self.func.dfg.ext_funcs[func].name)),
            None => CallDest::Indirect(self.reg(self.arg(inst, 0))),
        };
        let args: SmallVec<[Value; 8]> = SmallVec::from_slice(self.func.dfg.call_args(inst));
        let mut uses = Vec::with_capacity(args.len());
        let mut stores = Vec::new();
        for (&v, slot) in args.iter().zip(&abi.params) {
            let reg = self.extended(v, slot.extension);
            match slot.loc {
                AbiLoc::Reg(preg) if preg.class() != reg.class() => {
                    let bits = self.temp_class(preg.class());
                    self.emit(B::Inst::mov_bits(bits, reg, slot.ty));
                    uses.push((bits, preg));
                }
                AbiLoc::Reg(preg) => uses.push((reg, preg)),
                AbiLoc::Stack(offset) => {
                    stores.push(B::Inst::store_stack(reg, stack(&abi, offset), slot.ty));
                }
            }
        }
        self.emitted.extend(stores);
        let site = self.func.dfg.is_patchable(inst).then(|| {
            let info = self.func.dfg.site_info(inst);
            SiteTag { tag: info.tag, on: info.on }
        });
        if site.is_some() {
            let ties = self.func.dfg.site_info(inst).pass_through;
            let convention = sig.pass_through().unwrap_or_default();
            if !sig.returns.is_empty() && !ties.is_empty() && ties != convention {
                return Err(format!(
                    "results pass through arguments {ties:?}, but the convention returns them in the \
                     registers of arguments {convention:?}"
                ));
            }
        }
        let info = CallInfo {
            dest,
            uses,
            defs: Vec::new(),
            clobbers: self.backend.call_clobbers(sig),
            stack_args: abi.stack_args,
            callee_pops: abi.callee_pops,
            site,
            try_call: None,
            has_state: false,
        };
        Ok((info, abi))
    }

    /// Emits a call, which has the state of `inst` if there is one. What can be read
    /// during the call has to be in registers, but for constants.
    fn emit_call(&mut self, inst: Inst, mut info: CallInfo) {
        let func = self.func;
        if let Some(state) = func.dfg.states.of(inst) {
            // What it has in common with the call lowered before has a register already.
            for v in changed_values(&func.dfg.states, &mut self.call_states, state) {
                if self.constant_place(v).is_none() {
                    self.reg(v);
                }
            }
            info.has_state = true;
            self.stateful_call = Some(self.emitted.len());
        }
        self.emit(B::Inst::call(Box::new(info)));
    }

    /// The register that a value is in as something to read.
    pub(super) fn state_operand(&self, v: Value, reg: Reg) -> StateOperand {
        if B::UPPER_FLOATS && self.func.dfg.value_type(v) == F32 {
            return StateOperand::Upper(reg);
        }
        StateOperand::Reg(reg)
    }

    /// A constant as a place of state.
    pub(super) fn constant_place(&self, v: Value) -> Option<StatePlace> {
        let data = &self.func.dfg.insts[self.def_inst(v)?];
        match (data.opcode, data.extra) {
            (Opcode::Iconst | Opcode::F32const | Opcode::F64const, Extra::Imm(imm)) => {
                Some(StatePlace::Const(imm))
            }
            (Opcode::Vconst, Extra::Bytes(bytes)) => Some(StatePlace::Vector(bytes)),
            _ => None,
        }
    }

    fn grow_outgoing(&mut self, abi: &SigAbi) {
        self.outgoing = self.outgoing.max(abi.stack_args + abi.stack_rets);
    }

    pub(super) fn lower_call(&mut self, inst: Inst) -> Result<(), String> {
        let (mut info, abi) = self.call_start(inst, |_, offset| StackAddr::Outgoing(offset as i32))?;
        self.grow_outgoing(&abi);
        let mut loads = Vec::new();
        for (n, slot) in abi.rets.iter().enumerate() {
            match slot.loc {
                AbiLoc::Reg(preg) => {
                    info.clobbers.remove(preg);
                    info.defs.push((self.result(inst, n), preg));
                }
                AbiLoc::Stack(offset) => {
                    if self.result_needed(inst, n) {
                        let addr = StackAddr::Outgoing((abi.stack_args + offset) as i32);
                        loads.push(B::Inst::load_stack(self.result(inst, n), addr, slot.ty));
                    }
                }
            }
        }
        self.emit_call(inst, info);
        self.emitted.extend(loads);
        Ok(())
    }

    pub(super) fn try_reg(&mut self, inst: Inst, preg: PReg) -> Reg {
        if let Some(&reg) = self.try_regs.get(&(inst, preg)) {
            return reg;
        }
        let reg = self.temp_class(preg.class());
        self.try_regs.insert((inst, preg), reg);
        reg
    }

    fn call_abi(&self, inst: Inst) -> SigAbi {
        let sig = self.func.dfg.call_signature(inst).expect("a call has a signature");
        let sig = &self.func.dfg.signatures[sig];
        self.backend.sig_abi(sig).unwrap_or_else(|_| SigAbi {
            // The call itself reports the error when it is lowered.
            params: Vec::new(),
            rets: Vec::new(),
            stack_args: 0,
            stack_rets: 0,
            callee_pops: false,
        })
    }

    pub(super) fn try_ret_reg(&mut self, inst: Inst, n: u32) -> Reg {
        let abi = self.call_abi(inst);
        match abi.rets.get(n as usize) {
            Some(slot) => match slot.loc {
                AbiLoc::Reg(preg) => self.try_reg(inst, preg),
                AbiLoc::Stack(_) => {
                    if let Some(&reg) = self.try_stack_rets.get(&(inst, n)) {
                        return reg;
                    }
                    let reg = self.temp(slot.ty);
                    self.try_stack_rets.insert((inst, n), reg);
                    reg
                }
            },
            None => self.temp_class(RegClass::Int),
        }
    }

    pub(super) fn load_stack_rets(&mut self, inst: Inst) {
        let abi = self.call_abi(inst);
        for (n, slot) in abi.rets.iter().enumerate() {
            if let (AbiLoc::Stack(offset), Some(&reg)) =
                (slot.loc, self.try_stack_rets.get(&(inst, n as u32)))
            {
                let addr = StackAddr::Outgoing((abi.stack_args + offset) as i32);
                self.emit(B::Inst::load_stack(reg, addr, slot.ty));
            }
        }
    }

    pub(super) fn lower_try_call(&mut self, inst: Inst, targets: &[Label]) -> Result<(), String> {
        let (Extra::TryCall(_, table) | Extra::TryCallIndirect(table)) = self.func.dfg.insts[inst].extra
        else {
            return Err("the exception table is missing".to_string());
        };
        let table = &self.func.dfg.exception_tables[table];
        let mut clauses = Vec::with_capacity(table.items.len());
        let mut next = 1;
        for item in &table.items {
            clauses.push(match *item {
                ExceptionItem::Tag(tag, _) => {
                    next += 1;
                    TryClause::Tag(tag, targets[next - 1])
                }
                ExceptionItem::Default(_) => {
                    next += 1;
                    TryClause::Default(targets[next - 1])
                }
                ExceptionItem::Context(v) => {
                    let offset = self.slots_size as i32;
                    self.slots_size += 16;
                    let (ty, reg) = (self.ty(v), self.reg(v));
                    self.emit(B::Inst::store_stack(reg, StackAddr::Slot(offset), ty));
                    TryClause::Context(offset)
                }
            });
        }
        let (mut info, abi) = self.call_start(inst, |_, offset| StackAddr::Outgoing(offset as i32))?;
        self.grow_outgoing(&abi);
        let handlers = targets.len() > 1;
        if handlers {
            // A handler is entered with every register but the payloads unknown.
            let env = self.backend.machine_env();
            for set in env.preferred_regs_by_class.iter().chain(&env.non_preferred_regs_by_class) {
                info.clobbers.union_from(*set);
            }
        }
        let mut pregs: SmallVec<[PReg; 4]> = SmallVec::new();
        for slot in &abi.rets {
            if let AbiLoc::Reg(preg) = slot.loc {
                pregs.push(preg);
            }
        }
        if handlers {
            pregs.extend(self.backend.exception_payloads());
        }
        for preg in pregs {
            if info.defs.iter().all(|(_, other)| *other != preg) {
                info.clobbers.remove(preg);
                let reg = self.try_reg(inst, preg);
                info.defs.push((reg, preg));
            }
        }
        if handlers {
            info.try_call = Some(TryCallInfo { normal: targets[0], clauses });
            self.emit_call(inst, info);
        } else {
            self.emit_call(inst, info);
            self.load_stack_rets(inst);
            self.emit(B::Inst::jump(targets[0]));
        }
        Ok(())
    }

    pub(super) fn lower_return_call(&mut self, inst: Inst) -> Result<(), String> {
        let (mut info, abi) =
            self.call_start(inst, |abi, offset| StackAddr::ArgArea(offset as i32 - abi.stack_args as i32))?;
        if abi.stack_args != self.abi.stack_args && !(abi.callee_pops && self.abi.callee_pops) {
            return Err("the calling convention cannot change the size of stack arguments".to_string());
        }
        self.tail_args = self.tail_args.max(abi.stack_args);
        info.clobbers = PRegSet::empty();
        self.emit(B::Inst::return_call(Box::new(info)));
        Ok(())
    }
}
