//! Running bytecode in the interpreter.
//!
//! A call of an import ends the interpreter's run at the import's veneer; the
//! host does the work on the interpreter's registers and resumes after it.

use super::builtins::{self, MathFn};
use super::unwind::find_handler;
use super::{ExecTrap, LoadError, Place};
use crate::{CodeMemory, PatchError};
use pulley_interpreter::interp::{DoneReason, TrapKind, Val, Vm, XRegVal};
use pulley_interpreter::regs::{FReg, Reg, XReg};
use sidetrack_artifact::{Architecture, Image, SymbolName, TrapCode};
use std::ptr::NonNull;
use std::sync::Arc;

/// An image of bytecode, ready to run.
pub struct Pulley {
    memory: CodeMemory,
    vm: Vm,
}

impl Pulley {
    /// Loads an image of bytecode.
    ///
    /// # Errors
    /// An image of something else; no memory.
    pub fn load(image: Image) -> Result<Self, LoadError> {
        if image.architecture != Architecture::Pulley64 {
            return Err(LoadError::Architecture { image: image.architecture });
        }
        let memory = CodeMemory::new(Arc::new(image), &mut |_| None)?;
        let no_memory = |_| crate::MemoryError::Os(std::io::ErrorKind::OutOfMemory.into());
        Ok(Pulley { memory, vm: Vm::new().map_err(no_memory)? })
    }

    /// The code, to look at and to patch.
    pub fn memory(&mut self) -> &mut CodeMemory {
        &mut self.memory
    }

    /// Switches the sites of `function` that carry `tag`; returns how many there are.
    ///
    /// # Errors
    /// As [`crate::PatchSession::set`].
    pub fn patch(&mut self, function: &SymbolName, tag: u64, on: bool) -> Result<usize, PatchError> {
        super::switch(&mut self.memory, function, tag, on)
    }

    /// Calls the trampoline `name` with the address of `slots`.
    ///
    /// # Errors
    /// Whatever keeps the code from returning.
    pub fn invoke(&mut self, name: &SymbolName, slots: &mut [u64]) -> Result<(), ExecTrap> {
        let image = self.memory.image().clone();
        let symbol = image.symbol(name).ok_or_else(|| ExecTrap::NoSuchFunction(name.clone()))?;
        let (sp, fp, lr) = (self.vm[XReg::sp], self.vm.fp(), self.vm.lr());
        let argument = Val::XReg(XRegVal::new_ptr(slots.as_mut_ptr()));
        // SAFETY: the trampoline takes one integer; run and the restoring below end the call.
        unsafe { self.vm.call_start(&[argument]) };
        let result = self.run(&image, symbol.offset);
        self.vm[XReg::sp] = sp;
        // SAFETY: these are the values that the interpreter had outside of any call.
        unsafe {
            self.vm.set_fp(fp);
            self.vm.set_lr(lr);
        }
        result
    }

    fn run(&mut self, image: &Image, entry: u32) -> Result<(), ExecTrap> {
        let base = self.memory.base() as usize;
        let mut pc = base + entry as usize;
        loop {
            let start = NonNull::new(pc as *mut u8).ok_or_else(|| ExecTrap::Os("null code".to_string()))?;
            // SAFETY: start is the first instruction of the trampoline, the one after a host
            // call, or a handler, in an image that the code generator made.
            match unsafe { self.vm.call_run(start) } {
                DoneReason::ReturnToHost(()) => return Ok(()),
                DoneReason::Trap { pc, kind } => {
                    return Err(trap(image, (pc.as_ptr() as usize).wrapping_sub(base) as u32, kind));
                }
                DoneReason::CallIndirectHost { resume, .. } => {
                    let offset = (resume.as_ptr() as usize).wrapping_sub(base) as u32;
                    let import = image.import_resuming_at(offset).ok_or_else(|| ExecTrap::Fault {
                        reason: "host call outside of any veneer".to_string(),
                        place: Place::new(image, offset),
                    })?;
                    pc = if builtins::is_throw(&import.name) {
                        self.throw(image, base)?
                    } else {
                        let math = builtins::math(&import.name);
                        self.math(math.ok_or_else(|| ExecTrap::UnknownImport(import.name.clone()))?);
                        resume.as_ptr() as usize
                    };
                }
            }
        }
    }

    /// Does a library call on the argument registers.
    fn math(&mut self, function: MathFn) {
        let reg = |index| FReg::new(index).unwrap_or(FReg::f0);
        let (a, b, c) = (self.vm[reg(0)], self.vm[reg(1)], self.vm[reg(2)]);
        let result = &mut self.vm[FReg::f0];
        match function {
            MathFn::F32(f) => result.set_f32(f(a.get_f32())),
            MathFn::F64(f) => result.set_f64(f(a.get_f64())),
            MathFn::Fma32(f) => result.set_f32(f(a.get_f32(), b.get_f32(), c.get_f32())),
            MathFn::Fma64(f) => result.set_f64(f(a.get_f64(), b.get_f64(), c.get_f64())),
        }
    }

    /// Sets the registers for the handler of the exception in x0 to x2; returns its address.
    fn throw(&mut self, image: &Image, base: usize) -> Result<usize, ExecTrap> {
        let [tag, first, second] = [XReg::x0, XReg::x1, XReg::x2].map(|reg| self.vm[reg].get_u64());
        let (return_address, fp) = (self.vm.lr() as usize, self.vm.fp() as usize);
        // SAFETY: the veneer that called the host made no frame: lr and fp are its caller's.
        let landing = unsafe { find_handler(image, base, return_address, fp, tag) }
            .ok_or(ExecTrap::Uncaught { tag, payloads: [first, second] })?;
        self.vm[XReg::x0].set_u64(first);
        self.vm[XReg::x1].set_u64(second);
        self.vm[XReg::sp].set_ptr(landing.sp as *mut u8);
        // SAFETY: the frame pointer of the frame that the handler belongs to.
        unsafe { self.vm.set_fp(landing.fp as *mut u8) };
        Ok(landing.pc)
    }
}

/// What a stop of the interpreter at `offset` means: the image's word if it has
/// one, else the interpreter's.
fn trap(image: &Image, offset: u32, kind: Option<TrapKind>) -> ExecTrap {
    let place = Place::new(image, offset);
    let code = match kind {
        Some(TrapKind::StackOverflow) => Some(TrapCode::StackOverflow),
        _ => image.trap_at(offset),
    };
    let code = code.or(match kind {
        Some(TrapKind::DivideByZero) => Some(TrapCode::IntegerDivisionByZero),
        Some(TrapKind::IntegerOverflow) => Some(TrapCode::IntegerOverflow),
        Some(TrapKind::BadConversionToInteger) => Some(TrapCode::BadConversionToInteger),
        Some(TrapKind::MemoryOutOfBounds) => Some(TrapCode::HeapOutOfBounds),
        _ => None,
    });
    match code {
        Some(code) => ExecTrap::Trap { code, place },
        None => ExecTrap::Fault { reason: "the interpreter refuses the instruction".to_string(), place },
    }
}
