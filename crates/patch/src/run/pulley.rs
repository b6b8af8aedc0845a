//! Running bytecode in the interpreter.
//!
//! A call of an import ends the interpreter's run at the import's veneer; the
//! host function is called from here, and the interpreter goes on after the veneer.
//! No reference to the interpreter's state is held meanwhile, so the host function
//! may run code on the same interpreter: that code's frames lie below those of
//! the code that is stopped, and when it ends, however it ends, the registers that
//! a callee must keep are what they were.

use super::builtins::{self, MathFn};
use super::frames::{Frame, Landing, Registers, find_handler, frames_at};
use super::hook::{self, HookFrame};
use super::registry::View;
use super::{CallHooks, Exit, Left};
use pulley_interpreter::interp::{DoneReason, FRegVal, TrapKind, VRegVal, Val, Vm, XRegVal};
use pulley_interpreter::regs::{FReg, Reg, VReg, XReg};
use sidetrack_artifact::TrapCode;
use std::fmt;
use std::io;
use std::ptr::NonNull;

/// An interpreter with its stack.
pub struct Interpreter {
    vm: NonNull<Vm>,
    /// The address after the last of its stack.
    top: usize,
}

// SAFETY: the interpreter is owned by this value alone and has no relation to a thread.
unsafe impl Send for Interpreter {}

impl Interpreter {
    pub(crate) fn new(stack_size: usize) -> io::Result<Self> {
        let refused = || {
            let reason = format!("no memory for a stack of {stack_size} bytes");
            io::Error::new(io::ErrorKind::OutOfMemory, reason)
        };
        let vm = Vm::with_stack(stack_size).map_err(|_| refused())?;
        // With no code on it, the stack pointer is where the stack begins.
        let top = vm.state()[XReg::sp].get_ptr::<u8>() as usize;
        Ok(Interpreter { vm: NonNull::from(Box::leak(Box::new(vm))), top })
    }

    /// Calls `each` with the words in its registers and on its stack.
    ///
    /// # Safety
    /// No code runs on it right now.
    pub(super) unsafe fn words(&self, each: &mut dyn FnMut(u64)) {
        // SAFETY: no reference to the interpreter's state is held while it waits for the host.
        let state = unsafe { (*self.vm.as_ptr()).state() };
        XReg::RANGE.filter_map(XReg::new).for_each(|register| each(state[register].get_u64()));
        let sp = state[XReg::sp].get_ptr::<u8>() as usize;
        // SAFETY: what is between is the stack of code that waits.
        unsafe { super::words_in(sp..self.top, each) };
    }

    pub(crate) fn vm(&self) -> NonNull<Vm> {
        self.vm
    }
}

impl Drop for Interpreter {
    fn drop(&mut self) {
        // SAFETY: made by Box::leak, and nothing runs on an interpreter that is dropped.
        drop(unsafe { Box::from_raw(self.vm.as_ptr()) });
    }
}

impl fmt::Debug for Interpreter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interpreter").finish_non_exhaustive()
    }
}

/// The first register of each class that callees keep, of 32.
const FIRST_KEPT: u8 = 16;

/// The registers that a callee keeps.
struct Kept {
    sp: XRegVal,
    fp: *mut u8,
    lr: *mut u8,
    x: [XRegVal; 14],
    f: [FRegVal; 16],
    v: [VRegVal; 16],
}

/// The kept register `index` of a class.
fn kept<R: Reg>(index: usize) -> R {
    R::new(FIRST_KEPT + index as u8).expect("a class has 32 registers, of which x30 and x31 are special")
}

impl Kept {
    fn of(vm: &Vm) -> Self {
        Kept {
            sp: vm.state()[XReg::sp],
            fp: vm.fp(),
            lr: vm.lr(),
            x: std::array::from_fn(|i| vm.state()[kept::<XReg>(i)]),
            f: std::array::from_fn(|i| vm.state()[kept::<FReg>(i)]),
            v: std::array::from_fn(|i| vm.state()[kept::<VReg>(i)]),
        }
    }

    fn restore(&self, vm: &mut Vm) {
        let state = vm.state_mut();
        state[XReg::sp] = self.sp;
        self.x.iter().enumerate().for_each(|(i, value)| state[kept::<XReg>(i)] = *value);
        self.f.iter().enumerate().for_each(|(i, value)| state[kept::<FReg>(i)] = *value);
        self.v.iter().enumerate().for_each(|(i, value)| state[kept::<VReg>(i)] = *value);
        // SAFETY: the values that the interpreter had when the code that it is to go on with stopped.
        unsafe {
            vm.set_fp(self.fp);
            vm.set_lr(self.lr);
        }
    }
}

/// Calls `stub` on the interpreter.
///
/// # Safety
/// As [`super::call`], with `vm` the interpreter of a live machine.
pub(crate) unsafe fn enter(
    vm: NonNull<Vm>,
    stub: *const u8,
    args: &[u64; 4],
    hooks: &CallHooks,
) -> Result<(), Left> {
    // SAFETY: no other reference to the interpreter is held while code or a host function runs.
    let kept = unsafe {
        let vm = &mut *vm.as_ptr();
        let kept = Kept::of(vm);
        vm.call_start(&args.map(Val::from));
        kept
    };
    // SAFETY: the caller vouches for the stub, and its arguments are in place.
    let result = unsafe { run(vm, stub as usize, hooks) };
    // SAFETY: as above.
    kept.restore(unsafe { &mut *vm.as_ptr() });
    result
}

/// What a call of an import asks for.
enum HostCall {
    Throw,
    Hook,
    Math(MathFn),
    Function(u64),
}

/// Interprets from `pc` until the activation ends.
///
/// # Safety
/// As [`enter`], with the interpreter set up for the instruction at `pc`.
unsafe fn run(vm: NonNull<Vm>, mut pc: usize, hooks: &CallHooks) -> Result<(), Left> {
    loop {
        let start =
            NonNull::new(pc as *mut u8).ok_or_else(|| Left::Fault { pc, reason: "null code".to_string() })?;
        // SAFETY: start is the stub's first instruction, the one after a host call, or a
        // handler; the reference ends with the run.
        match unsafe { (*vm.as_ptr()).call_run(start) } {
            DoneReason::ReturnToHost(()) => return Ok(()),
            DoneReason::Trap { pc, kind } => {
                let pc = pc.as_ptr() as usize;
                // SAFETY: the interpreter has just stopped there.
                let left = unsafe { trap(&*vm.as_ptr(), pc, kind, hooks.max_frames) };
                if let Left::Exit(Exit::Trap { code: Some(code), .. }) = left {
                    // SAFETY: the reference ends before the hook is called.
                    let mut frame = HookFrame { pc, ..frame_of(unsafe { &*vm.as_ptr() }) };
                    hook::call_trap_hook(&mut frame, code);
                }
                return Err(left);
            }
            DoneReason::CallIndirectHost { resume, .. } => {
                let resume = resume.as_ptr() as usize;
                pc = match host_call(resume)? {
                    // SAFETY: the code that threw is stopped in an import's veneer.
                    HostCall::Throw => unsafe { throw(&mut *vm.as_ptr(), hooks.max_frames) }?,
                    // SAFETY: the code is stopped in an import's veneer that a site has called.
                    HostCall::Hook => match unsafe { call_hook_of(vm) } {
                        0 => resume,
                        instead => instead,
                    },
                    HostCall::Math(function) => {
                        // SAFETY: no code runs, and the function does not call back.
                        do_math(unsafe { &mut *vm.as_ptr() }, function);
                        resume
                    }
                    HostCall::Function(address) => {
                        // SAFETY: the import's address is that of a function which takes up to
                        // eight integers, as whoever loaded the code vouches.
                        unsafe { call_host(vm, address) };
                        resume
                    }
                };
            }
        }
    }
}

/// What the call that goes on at `resume` asks for.
fn host_call(resume: usize) -> Result<HostCall, Left> {
    // The view must be gone before the host function runs.
    let view = View::new();
    let found = view.find(resume).and_then(|code| {
        let (image, offset) = code.at(resume);
        image.import_resuming_at(offset).map(|index| (code.memory, index))
    });
    let Some((memory, index)) = found else {
        return Err(Left::Fault { pc: resume, reason: "host call outside of any veneer".to_string() });
    };
    let name = &memory.image().imports[index].name;
    match memory.import_address(index) {
        0 if builtins::is_throw(name) => Ok(HostCall::Throw),
        0 => match builtins::math(name) {
            Some(function) => Ok(HostCall::Math(function)),
            None => Err(Left::Unknown { pc: resume, import: name.clone() }),
        },
        address if Some(address) == builtins::throw_address(memory.image().architecture) => {
            Ok(HostCall::Throw)
        }
        address if Some(address) == hook::hook_address(memory.image().architecture) => Ok(HostCall::Hook),
        address => Ok(HostCall::Function(address)),
    }
}

/// Calls a host function with x0 to x7; the result goes to x0. A function that takes fewer
/// finds them where it looks for them, since in all conventions of the system the caller
/// puts arguments where they are by their number alone, and takes them away again.
///
/// # Safety
/// No reference to the interpreter may be held, and the address must be that of a
/// function of the system's convention that takes up to eight integers and may be called now.
unsafe fn call_host(vm: NonNull<Vm>, address: u64) {
    type HostFn = unsafe extern "C" fn(u64, u64, u64, u64, u64, u64, u64, u64) -> u64;
    // SAFETY: the caller vouches for the address.
    let function: HostFn = unsafe { std::mem::transmute(address as usize) };
    let x = |index: u8| XReg::new(index).unwrap_or(XReg::x0);
    let [a, b, c, d, e, f, g, h] = {
        // SAFETY: the reference ends before the function is called.
        let state = unsafe { (*vm.as_ptr()).state() };
        std::array::from_fn(|i| state[x(i as u8)].get_u64())
    };
    // SAFETY: as the caller vouches.
    let result = unsafe { function(a, b, c, d, e, f, g, h) };
    // SAFETY: the function has returned, so no other reference is left.
    unsafe { (*vm.as_ptr()).state_mut()[XReg::x0].set_u64(result) };
}

/// Shows the registers at a site to the hook; returns where to go on instead, or 0.
///
/// # Safety
/// No reference to the interpreter may be held; it must have stopped at a veneer
/// that a site has called.
unsafe fn call_hook_of(vm: NonNull<Vm>) -> usize {
    // SAFETY: the reference ends before the hook is called.
    let mut frame = frame_of(unsafe { &*vm.as_ptr() });
    let instead = hook::call_site_hook(&mut frame);
    // Code that the hook has run leaves other values in the registers that callees do not keep.
    // SAFETY: the hook has returned, so no other reference is left.
    let state = unsafe { (*vm.as_ptr()).state_mut() };
    for index in 0..FIRST_KEPT {
        let at = usize::from(index);
        if let Some(x) = XReg::new(index) {
            state[x].set_u64(frame.ints[at]);
        }
        if let Some(f) = FReg::new(index) {
            state[f].set_f64(f64::from_bits(frame.floats[at] as u64));
        }
        if let Some(v) = VReg::new(index) {
            state[v].set_u128(frame.vectors[at]);
        }
    }
    instead
}

/// The registers.
fn frame_of(vm: &Vm) -> HookFrame {
    let state = vm.state();
    let reg = |index: usize| index as u8;
    HookFrame {
        ints: std::array::from_fn(|i| XReg::new(reg(i)).map_or(0, |x| state[x].get_u64())),
        // A veneer makes no frame: lr and fp are its caller's.
        pc: vm.lr() as usize,
        fp: vm.fp() as usize,
        floats: std::array::from_fn(|i| FReg::new(reg(i)).map_or(0, |f| state[f].get_f64().to_bits()).into()),
        vectors: std::array::from_fn(|i| VReg::new(reg(i)).map_or(0, |v| state[v].get_u128())),
    }
}

/// Does a library call on the argument registers.
fn do_math(vm: &mut Vm, function: MathFn) {
    let state = vm.state_mut();
    let reg = |index| FReg::new(index).unwrap_or(FReg::f0);
    let (a, b, c) = (state[reg(0)], state[reg(1)], state[reg(2)]);
    let result = &mut state[FReg::f0];
    match function {
        MathFn::F32(f) => result.set_f32(f(a.get_f32())),
        MathFn::F64(f) => result.set_f64(f(a.get_f64())),
        MathFn::Fma32(f) => result.set_f32(f(a.get_f32(), b.get_f32(), c.get_f32())),
        MathFn::Fma64(f) => result.set_f64(f(a.get_f64(), b.get_f64(), c.get_f64())),
    }
}

/// Sets the registers for the handler of the exception in x0 to x2; returns its address.
///
/// # Safety
/// The interpreter must have stopped at a veneer that compiled code has called.
unsafe fn throw(vm: &mut Vm, max_frames: usize) -> Result<usize, Left> {
    let [tag, first, second] = [XReg::x0, XReg::x1, XReg::x2].map(|reg| vm.state()[reg].get_u64());
    // The veneer made no frame: lr and fp are its caller's.
    let frame = Frame { pc: vm.lr() as usize, fp: vm.fp() as usize };
    // SAFETY: as the caller vouches.
    let Landing { pc, sp, fp } = unsafe { find_handler(frame, tag, max_frames) }
        .map_err(|frames| Left::Exit(Exit::Uncaught { tag, payloads: [first, second], frames }))?;
    let state = vm.state_mut();
    state[XReg::x0].set_u64(first);
    state[XReg::x1].set_u64(second);
    state[XReg::sp].set_ptr(sp as *mut u8);
    // SAFETY: the frame pointer of the frame that the handler belongs to.
    unsafe { vm.set_fp(fp as *mut u8) };
    Ok(pc)
}

/// What a stop of the interpreter at `pc` means: the image's word if it has one,
/// else the interpreter's.
///
/// # Safety
/// The interpreter must have just stopped there.
unsafe fn trap(vm: &Vm, pc: usize, kind: Option<TrapKind>, max_frames: usize) -> Left {
    let view = View::new();
    let found = view.find(pc);
    let recorded = || {
        found.and_then(|code| {
            let (image, offset) = code.at(pc);
            image.trap_at(offset)
        })
    };
    let code = match kind {
        Some(TrapKind::StackOverflow) => Some(TrapCode::StackOverflow),
        _ => recorded(),
    };
    let code = code.or(match kind {
        Some(TrapKind::DivideByZero) => Some(TrapCode::IntegerDivisionByZero),
        Some(TrapKind::IntegerOverflow) => Some(TrapCode::IntegerOverflow),
        Some(TrapKind::BadConversionToInteger) => Some(TrapCode::BadConversionToInteger),
        Some(TrapKind::MemoryOutOfBounds) => Some(TrapCode::HeapOutOfBounds),
        _ => None,
    });
    let damaged = found.as_ref().is_some_and(|code| code.at(pc).0.damaged().is_some());
    let (true, Some(found)) = (code.is_some() || damaged, found) else {
        return Left::Fault { pc, reason: "the interpreter refuses the instruction".to_string() };
    };
    let sp = vm.state()[XReg::sp].get_ptr::<u8>() as usize;
    let registers = Registers { pc, fp: vm.fp() as usize, sp, link: Some(vm.lr() as usize) };
    // SAFETY: these are the registers at the instruction.
    let frames = unsafe { frames_at(&view, found, registers, max_frames) };
    Left::Exit(Exit::Trap { code, pc, fault_address: None, frames })
}
