//! Memory as the rules of all targets see it: accesses, places in the frame, symbols.

use super::Lower;
use crate::abi::StackAddr;
use crate::symbol_name;
use crate::vcode::Backend;
use sidetrack_artifact::{SymbolName, TrapCode};
use sidetrack_ir::{Extra, GlobalValueData, Inst, MemFlags, Opcode, Value};

impl<B: Backend> Lower<'_, B> {
    /// The flags and the offset of an access.
    pub fn mem_flags(&self, inst: Inst) -> (MemFlags, i32) {
        match self.func.dfg.insts[inst].extra {
            Extra::Mem(flags, offset) => (flags, offset),
            Extra::Atomic(flags, _) => (flags, 0),
            _ => (MemFlags::default(), 0),
        }
    }

    /// What a fault of an access means.
    pub fn mem_trap(&self, inst: Inst) -> Option<TrapCode> {
        self.mem_flags(inst).0.trap.map(crate::trap_code)
    }

    /// The place whose address a `stack_addr` is.
    pub fn stack_addr(&self, inst: Inst) -> StackAddr {
        let Extra::Stack(slot, offset) = self.func.dfg.insts[inst].extra else {
            unreachable!("it is of the format of `stack_addr`")
        };
        StackAddr::Slot((self.slot_offset(slot) as i32).wrapping_add(offset))
    }

    /// The place in the frame that an access has whose address is `v` plus an offset in
    /// bytes, if it is one.
    pub fn frame_place(&self, v: Value, offset: i32) -> Option<StackAddr> {
        let Extra::Stack(slot, base) = self.func.dfg.insts[self.def_op(v, Opcode::StackAddr)?].extra else {
            return None;
        };
        let sum = (self.slot_offset(slot) as i32).checked_add(base)?.checked_add(offset)?;
        // Frames are far smaller; the rest leaves room for what is added later.
        (sum.unsigned_abs() < 1 << 30).then_some(StackAddr::Slot(sum))
    }

    /// The symbol whose address an instruction is, what is added to it, and whether it is
    /// near.
    ///
    /// # Errors
    /// If it is not known before the process runs.
    pub fn symbol(&self, inst: Inst) -> Result<(SymbolName, i64, bool), String> {
        let data = &self.func.dfg.insts[inst];
        match data.extra {
            Extra::Func(callee) => {
                let callee = &self.func.dfg.ext_funcs[callee];
                Ok((symbol_name(&callee.name), 0, callee.colocated))
            }
            Extra::Global(gv) if data.opcode == Opcode::SymbolValue => match &self.func.global_values[gv] {
                GlobalValueData::Symbol { name, offset, tls: false, colocated } => {
                    Ok((symbol_name(name), *offset, *colocated))
                }
                _ => Err(format!("{gv} is not a symbol of the process")),
            },
            _ => Err("the target has no thread-local storage".to_string()),
        }
    }
}
