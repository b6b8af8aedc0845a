//! Running one instruction.

use super::call::Passed;
use super::eval::{EvalError, eval};
use super::{Interpreter, Stop};
use crate::data_value::DataValue;
use crate::entities::{GlobalValue, Inst};
use crate::function::GlobalValueData;
use crate::inst::Extra;
use crate::opcode::Opcode;
use crate::signature::{ArgumentPurpose, ExternalName};

impl Interpreter<'_> {
    /// Runs the innermost frame's next instruction. Gives the values that the
    /// outermost function returns when it does.
    pub(super) fn step(&mut self) -> Result<Option<Vec<DataValue>>, Stop> {
        self.fuel = self.fuel.checked_sub(1).ok_or(Stop::OutOfFuel)?;
        let (func, inst) = (self.frame().func, self.frame().inst);
        let data = &func.dfg.insts[inst];
        let args = func.dfg.args(inst);
        let ok = |result: Result<(), Stop>| result.map(|()| None);
        match (data.opcode, data.extra) {
            (Opcode::Jump, Extra::Jump(call)) => return ok(self.branch(&call, Passed::NOTHING)),
            (Opcode::Brif, Extra::Brif(then, other)) => {
                let call = if self.value(args[0])?.bits() != 0 { then } else { other };
                return ok(self.branch(&call, Passed::NOTHING));
            }
            (Opcode::BrTable, Extra::Table(table)) => {
                let table = &func.dfg.jump_tables[table];
                let index = usize::try_from(self.value(args[0])?.bits()).unwrap_or(usize::MAX);
                let call = *table.entries.get(index).unwrap_or(&table.default);
                return ok(self.branch(&call, Passed::NOTHING));
            }
            (Opcode::Return, _) => {
                let values = self.values(args)?;
                return self.return_values(&values);
            }
            (Opcode::Trap, Extra::Trap(code)) => return Err(self.trap(code)),
            (Opcode::Trapz | Opcode::Trapnz, Extra::Trap(code)) => {
                let zero = self.value(args[0])?.bits() == 0;
                if zero == (data.opcode == Opcode::Trapz) {
                    return Err(self.trap(code));
                }
            }
            (Opcode::Debugtrap, _) => return Err(Stop::DebugTrap { at: self.location() }),
            (opcode, _) if opcode.is_call() => return self.exec_call(inst),
            (Opcode::Nop | Opcode::SequencePoint | Opcode::Fence, _) => {}
            (opcode, extra) if opcode.can_load() || opcode.can_store() => self.access(inst, data, extra)?,
            (Opcode::FuncAddr, Extra::Func(callee)) => {
                let addr = self.function_address(&func.dfg.ext_funcs[callee].name);
                self.set_result(inst, DataValue::from_bits(data.ty, addr));
            }
            (Opcode::SymbolValue | Opcode::GlobalValue | Opcode::TlsValue, Extra::Global(gv)) => {
                let bits = self.global_value(gv)?;
                self.set_result(inst, DataValue::from_bits(data.ty, bits));
            }
            (Opcode::StackAddr, Extra::Stack(slot, offset)) => {
                let base = self.frame().slots[slot.as_u32() as usize];
                let addr = base.wrapping_add_signed(i64::from(offset));
                self.set_result(inst, DataValue::from_bits(data.ty, addr));
            }
            (Opcode::GetFramePointer, _) => {
                let fp = self.frame().frame_pointer;
                self.set_result(inst, DataValue::from_bits(data.ty, fp));
            }
            (Opcode::GetStackPointer, _) => {
                let sp = self.memory.stack_mark().stack_pointer;
                self.set_result(inst, DataValue::from_bits(data.ty, sp));
            }
            (Opcode::GetReturnAddress, _) => {
                let addr = self.frame().return_address;
                self.set_result(inst, DataValue::from_bits(data.ty, addr));
            }
            (opcode, extra) => {
                let values = self.values(args)?;
                let results = eval(opcode, data.ty, &extra, &values).map_err(|error| match error {
                    EvalError::Trap(code) => self.trap(code),
                    EvalError::NotScalar => self.undefined("the operands do not fit the instruction"),
                })?;
                let frame = self.frame_mut();
                for (&result, value) in func.dfg.results(inst).iter().zip(results) {
                    frame.set(result, value);
                }
            }
        }
        ok(self.advance())
    }

    pub(super) fn set_result(&mut self, inst: Inst, value: DataValue) {
        let frame = self.frame_mut();
        let result = frame.func.dfg.first_result(inst);
        frame.set(result, value);
    }

    fn global_value(&mut self, gv: GlobalValue) -> Result<u64, Stop> {
        let func = self.frame().func;
        // From the value asked for to its base, then back.
        let mut chain = vec![gv];
        let mut bits = loop {
            let Some(&last) = chain.last() else { return Err(self.undefined("no global value")) };
            match &func.global_values[last] {
                GlobalValueData::VMContext => break self.vmctx()?,
                GlobalValueData::Symbol { name, offset, .. } => {
                    break self.symbol(name)?.wrapping_add_signed(*offset);
                }
                GlobalValueData::Load { base, .. } | GlobalValueData::IAddImm { base, .. } => {
                    if chain.len() > func.global_values.len() {
                        return Err(self.undefined(format!("{gv} depends on itself")));
                    }
                    chain.push(*base);
                }
            }
        };
        for &gv in chain.iter().rev().skip(1) {
            bits = match func.global_values[gv] {
                GlobalValueData::Load { offset, ty, flags, .. } => {
                    self.load(flags, bits.wrapping_add_signed(i64::from(offset)), ty.bytes())?
                }
                GlobalValueData::IAddImm { offset, ty, .. } => bits.wrapping_add_signed(offset) & ty.mask(),
                _ => bits,
            };
        }
        Ok(bits)
    }

    fn vmctx(&self) -> Result<u64, Stop> {
        let frame = self.frame();
        let params = &frame.func.signature.params;
        let number = params.iter().position(|param| param.purpose == ArgumentPurpose::VMContext);
        let entry = frame.func.layout.entry_block();
        match number.zip(entry) {
            Some((number, entry)) => Ok(self.value(frame.func.dfg.block_params(entry)[number])?.bits()),
            None => Err(self.undefined("the function has no vmctx parameter")),
        }
    }

    /// The address of a data symbol or function.
    fn symbol(&mut self, name: &ExternalName) -> Result<u64, Stop> {
        if let Some(&addr) = self.symbols.get(name) {
            return Ok(addr);
        }
        if self.store.index(name).is_some() || self.hosts.contains_key(name) {
            return Ok(self.function_address(name));
        }
        Err(Stop::Unsupported(format!("symbol {name} is not defined")))
    }
}
