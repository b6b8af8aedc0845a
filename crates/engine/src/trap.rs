//! Traps, backtraces, exceptions: how calls fail.

use crate::func::Func;
use crate::module::Module;
use crate::names::{Printable, demangle};
use crate::store::StoreOpaque;
use crate::val::ExnRef;
use crate::vm::call::{Failure, Position};
use crate::vm::{HostError, Slot, VmPtr};
use crate::{AsContextMut, Error, Val};
use sidetrack_artifact::{TrapCode, vmctx};
use std::fmt;

/// Why WebAssembly code stopped. Found in an [`Error`] by `downcast_ref`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Trap {
    /// The stack is used up.
    #[error("wasm trap: call stack exhausted")]
    StackOverflow,
    /// An access outside a memory.
    #[error("wasm trap: out of bounds memory access")]
    MemoryOutOfBounds,
    /// An access outside a table.
    #[error("wasm trap: undefined element: out of bounds table access")]
    TableOutOfBounds,
    /// A call through a null table element.
    #[error("wasm trap: uninitialized element")]
    IndirectCallToNull,
    /// An indirect call of a function of another type.
    #[error("wasm trap: indirect call type mismatch")]
    BadSignature,
    /// An integer result does not fit its type.
    #[error("wasm trap: integer overflow")]
    IntegerOverflow,
    /// A division by zero.
    #[error("wasm trap: integer divide by zero")]
    IntegerDivisionByZero,
    /// A NaN or out-of-range float converted to an integer.
    #[error("wasm trap: invalid conversion to integer")]
    BadConversionToInteger,
    /// `unreachable`.
    #[error("wasm trap: wasm `unreachable` instruction executed")]
    UnreachableCodeReached,
    /// The program was interrupted.
    #[error("wasm trap: interrupt")]
    Interrupt,
    /// A null reference where there must be none.
    #[error("wasm trap: null reference")]
    NullReference,
    /// An atomic access at an address that is no multiple of its size.
    #[error("wasm trap: unaligned atomic")]
    UnalignedAtomic,
    /// Waiting on a memory that is not shared, where nobody could end it.
    #[error("wasm trap: atomic wait on non-shared memory")]
    AtomicWait,
}

impl Trap {
    pub(crate) fn of(code: TrapCode) -> Option<Trap> {
        Some(match code {
            TrapCode::StackOverflow => Trap::StackOverflow,
            TrapCode::HeapOutOfBounds => Trap::MemoryOutOfBounds,
            TrapCode::IntegerOverflow => Trap::IntegerOverflow,
            TrapCode::IntegerDivisionByZero => Trap::IntegerDivisionByZero,
            TrapCode::BadConversionToInteger => Trap::BadConversionToInteger,
            TrapCode::User(vmctx::trap::TABLE_OUT_OF_BOUNDS) => Trap::TableOutOfBounds,
            TrapCode::User(vmctx::trap::INDIRECT_CALL_TO_NULL) => Trap::IndirectCallToNull,
            TrapCode::User(vmctx::trap::BAD_SIGNATURE) => Trap::BadSignature,
            TrapCode::User(vmctx::trap::UNREACHABLE) => Trap::UnreachableCodeReached,
            TrapCode::User(vmctx::trap::NULL_REFERENCE) => Trap::NullReference,
            TrapCode::User(vmctx::trap::UNALIGNED_ATOMIC) => Trap::UnalignedAtomic,
            TrapCode::User(vmctx::trap::ATOMIC_WAIT) => Trap::AtomicWait,
            TrapCode::User(_) => return None,
        })
    }
}

/// A function on the stack. What is known about it is looked up when somebody asks: the error
/// of a program that exits has a backtrace too, which nobody reads.
#[derive(Clone)]
pub struct FrameInfo {
    module: Module,
    func_index: u32,
    /// Where it is in the module's code.
    offset: u32,
}

impl FrameInfo {
    /// The name of its module.
    pub fn module_name(&self) -> Option<&str> {
        self.module.name()
    }

    /// Its index in the module.
    pub fn func_index(&self) -> u32 {
        self.func_index
    }

    /// Its name in the name section.
    pub fn func_name(&self) -> Option<&str> {
        self.module.info().functions.name(self.func_index)
    }

    /// The wasm pc of the operator: the byte offset in the module.
    pub fn module_offset(&self) -> Option<usize> {
        self.module.image().source_at(self.offset).map(|offset| offset as usize)
    }
}

impl PartialEq for FrameInfo {
    fn eq(&self, other: &Self) -> bool {
        let all = |frame: &Self| (frame.func_index, frame.module_offset());
        all(self) == all(other)
            && self.module_name() == other.module_name()
            && self.func_name() == other.func_name()
    }
}

impl Eq for FrameInfo {}

impl fmt::Debug for FrameInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameInfo")
            .field("module_name", &self.module_name())
            .field("func_index", &self.func_index)
            .field("func_name", &self.func_name())
            .field("module_offset", &self.module_offset())
            .finish()
    }
}

/// The WebAssembly functions on the stack when a call failed, innermost first; of more than
/// a thousand those in the middle are only counted. Found in an [`Error`] by `downcast_ref`.
///
/// As text it has a line for each of the 20 innermost functions and of the 8 outermost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WasmBacktrace {
    frames: Vec<FrameInfo>,
    /// Before which frame functions are left out.
    gap: usize,
    left_out: usize,
}

/// The most frames of a backtrace, and how many of them are from the outer end if there are more.
const MOST: usize = 1024;
const OUTERMOST: usize = 16;
/// How many frames are printed from both ends.
const PRINTED: [usize; 2] = [20, 8];

impl WasmBacktrace {
    /// The functions, innermost first.
    pub fn frames(&self) -> &[FrameInfo] {
        &self.frames
    }

    /// Where in [`WasmBacktrace::frames`] functions are left out, and how many, if any are.
    pub fn left_out(&self) -> Option<(usize, usize)> {
        (self.left_out > 0).then_some((self.gap, self.left_out))
    }

    fn new(store: &StoreOpaque, at: &Position) -> Self {
        let functions = |addresses: &[usize]| -> Vec<usize> {
            let is_function = |address: &&usize| function_at(store, **address).is_some();
            addresses.iter().filter(is_function).copied().collect()
        };
        let (inner, outer) = at.addresses.split_at(at.gap);
        let (mut inner, mut outer) = (functions(inner), functions(outer));
        if at.left_out == 0 {
            inner.append(&mut outer);
        }
        let all = inner.len() + outer.len();
        let mut left_out = at.left_out;
        if left_out > 0 || all > MOST {
            // What is outside of the gap is the end of `outer`, or of `inner` if there is none.
            let last =
                if outer.is_empty() { inner.split_off(inner.len().saturating_sub(OUTERMOST)) } else { outer };
            inner.truncate(MOST - OUTERMOST);
            outer = last[last.len().saturating_sub(OUTERMOST)..].to_vec();
            left_out += all - inner.len() - outer.len();
        }
        let gap = inner.len();
        let frames = inner.into_iter().chain(outer).filter_map(|address| frame_at(store, address)).collect();
        WasmBacktrace { frames, gap, left_out }
    }

    /// Looks up all that there is to be known, so that damage to it is found.
    fn check(&self) {
        for frame in &self.frames {
            let _ = (frame.func_name(), frame.module_offset());
        }
    }

    /// The functions with their numbers on the stack.
    fn numbered(&self) -> impl DoubleEndedIterator<Item = (usize, &FrameInfo)> + ExactSizeIterator {
        let number = |index| if index < self.gap { index } else { index + self.left_out };
        self.frames.iter().enumerate().map(move |(index, frame)| (number(index), frame))
    }
}

/// The index of the WebAssembly function whose code is at an address.
fn function_at(store: &StoreOpaque, address: usize) -> Option<u32> {
    let code = store.code_at(address)?;
    code.module().function_at(code.offset(address))
}

/// The WebAssembly function whose code is at an address.
fn frame_at(store: &StoreOpaque, address: usize) -> Option<FrameInfo> {
    let code = store.code_at(address)?;
    code.module().frame_info(code.offset(address))
}

impl FrameInfo {
    /// A line of a backtrace.
    fn line(&self, f: &mut fmt::Formatter<'_>, number: usize) -> fmt::Result {
        write!(f, "\n  {number:>3}: ")?;
        match self.module_offset() {
            Some(pc) => write!(f, "{pc:#8x} - ")?,
            None => write!(f, "       ? - ")?,
        }
        write!(f, "{}", Printable::name(self.module_name().unwrap_or("<unknown>")))?;
        match self.func_name() {
            Some(name) => write!(f, "!{}", Printable::name(&demangle(name))),
            None => write!(f, "!<wasm function {}>", self.func_index),
        }
    }

    pub(crate) fn new(module: Module, func_index: u32, offset: u32) -> Self {
        FrameInfo { module, func_index, offset }
    }
}

impl fmt::Display for WasmBacktrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = self.numbered();
        write!(f, "wasm backtrace:")?;
        let [inner, outer] = PRINTED;
        let all = lines.len() + self.left_out;
        let [inner, outer] = if all <= inner + outer { [all, 0] } else { [inner, outer] };
        lines.by_ref().take(inner).try_for_each(|(number, frame)| frame.line(f, number))?;
        if all > inner + outer {
            write!(f, "\n       ({} more)", all - inner - outer)?;
        }
        let skipped = lines.len().saturating_sub(outer);
        lines.skip(skipped).try_for_each(|(number, frame)| frame.line(f, number))
    }
}

/// An exception that nothing in the called WebAssembly handles; the [`Error`] has its
/// [`WasmBacktrace`] too. A host function that returns it throws the exception into its
/// caller; with the backtrace, which is then that of the first throw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("thrown Wasm exception")]
pub struct ThrownException(ExnRef);

impl ThrownException {
    /// The exception.
    pub fn exception(&self) -> ExnRef {
        self.0
    }

    /// Its tag's parameters.
    ///
    /// # Panics
    /// If the exception belongs to another store.
    pub fn values(&self, store: impl AsContextMut) -> Vec<Val> {
        self.0.values(store)
    }
}

/// What is wrong with the files of the code that a call was in, as far as somebody has looked.
fn damage(store: &StoreOpaque, at: &Position) -> Option<Error> {
    at.addresses.iter().find_map(|address| store.code_at(*address)?.module().damage())
}

/// The error for a call that failed. A panic of a host function goes on from here.
#[cold]
pub(crate) fn error(store: &mut StoreOpaque, failure: Failure) -> Error {
    match failure {
        Failure::Trap { code, at } => {
            let backtrace = WasmBacktrace::new(store, &at);
            backtrace.check();
            if let Some(error) = damage(store, &at) {
                return error.context(backtrace);
            }
            match code.and_then(Trap::of) {
                Some(trap) => Error::new(trap).context(backtrace),
                None => anyhow::anyhow!(
                    "unexpected fault in compiled code ({code:?}); if it is a file's, that is damaged"
                )
                .context(backtrace),
            }
        }
        Failure::Host { error: HostError::Error(error), at } => {
            // The innermost call has already said where.
            if at.addresses.is_empty() || error.downcast_ref::<WasmBacktrace>().is_some() {
                return error;
            }
            error.context(WasmBacktrace::new(store, &at))
        }
        Failure::Host { error: HostError::Panic(panic), .. } => std::panic::resume_unwind(panic),
        Failure::Exception { exception, at } => {
            // What a host function has thrown may come from an inner call, which said where.
            let by_host = at.addresses.first().is_some_and(|address| frame_at(store, *address).is_none());
            let said = store.take_thrown_at().filter(|_| by_host);
            let backtrace = said.unwrap_or_else(|| WasmBacktrace::new(store, &at));
            backtrace.check();
            // It may be that there is a handler.
            if let Some(error) = damage(store, &at) {
                return error.context(backtrace);
            }
            match ExnRef::from_raw(store, exception) {
                Some(exception) => Error::new(ThrownException(exception)).context(backtrace),
                None => anyhow::anyhow!("an exception that is not the store's").context(backtrace),
            }
        }
    }
}

/// Calls a function with its values in `slots`.
#[inline]
pub(crate) fn invoke(store: &mut StoreOpaque, func: Func, slots: &mut [Slot]) -> Result<(), Error> {
    let record: VmPtr<_> = func.record();
    match crate::vm::call::invoke(store, record, slots) {
        Ok(()) => Ok(()),
        Err(failure) => Err(error(store, failure)),
    }
}
