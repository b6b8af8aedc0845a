//! What a run of the interpreter is given and what it can end with: functions,
//! host functions, stops.

use super::memory::Memory;
use crate::data_value::DataValue;
use crate::function::Function;
use crate::memflags::TrapCode;
use crate::signature::ExternalName;
use rustc_hash::FxHashMap;
use std::fmt;

/// Functions that may call each other by name.
#[derive(Debug, Default)]
pub struct FunctionStore<'a> {
    functions: Vec<&'a Function>,
    by_name: FxHashMap<ExternalName, usize>,
}

impl<'a> FunctionStore<'a> {
    /// A store of these functions. Of two with the same name the later one counts.
    pub fn new(functions: impl IntoIterator<Item = &'a Function>) -> Self {
        let mut store = FunctionStore::default();
        functions.into_iter().for_each(|func| store.add(func));
        store
    }

    /// Adds a function in place of one of the same name.
    pub fn add(&mut self, func: &'a Function) {
        self.by_name.insert(func.name.clone(), self.functions.len());
        self.functions.push(func);
    }

    /// The function of this name.
    pub fn get(&self, name: &ExternalName) -> Option<&'a Function> {
        self.index(name).map(|index| self.functions[index])
    }

    pub(super) fn index(&self, name: &ExternalName) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    pub(super) fn functions(&self) -> &[&'a Function] {
        &self.functions
    }
}

/// What a host function does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostOutcome {
    /// It returns these values.
    Return(Vec<DataValue>),
    /// It traps.
    Trap(TrapCode),
    /// It throws an exception, which the nearest `try_call` on the stack catches
    /// that has a handler for the tag.
    Throw {
        /// What handlers are looked up by.
        tag: u32,
        /// What the handler's block gets as `exn0` and `exn1`.
        payload: [u64; 2],
    },
}

/// A function that is not IR. Closures of the same shape are host functions.
pub trait HostFn {
    /// Runs the function. It may read and write the interpreter's memory.
    fn call(&mut self, memory: &mut Memory, args: &[DataValue]) -> HostOutcome;
}

impl<F: FnMut(&mut Memory, &[DataValue]) -> HostOutcome> HostFn for F {
    fn call(&mut self, memory: &mut Memory, args: &[DataValue]) -> HostOutcome {
        self(memory, args)
    }
}

/// An instruction for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The function's name.
    pub function: ExternalName,
    /// The instruction's text.
    pub inst: String,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` in {}", self.inst, self.function)
    }
}

/// Why a call of the interpreter gave no values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// The code trapped.
    #[error("trap {code} at {at}")]
    Trap {
        /// The reason.
        code: TrapCode,
        /// The instruction.
        at: Location,
    },
    /// `debugtrap` was reached.
    #[error("debug trap at {at}")]
    DebugTrap {
        /// The instruction.
        at: Location,
    },
    /// An exception that no `try_call` on the stack catches.
    #[error("uncaught exception with tag {tag}")]
    Thrown {
        /// Its tag.
        tag: u32,
        /// Its payload.
        payload: [u64; 2],
    },
    /// The fuel is used up.
    #[error("out of fuel")]
    OutOfFuel,
    /// The code does what CLIF gives no meaning to, such as a `notrap` access
    /// outside every region or a call with the wrong signature.
    #[error("undefined: {message}, at {at}")]
    Undefined {
        /// What it does.
        message: String,
        /// The instruction.
        at: Location,
    },
    /// Something that is not there: a function, a symbol, an opcode.
    #[error("unsupported: {0}")]
    Unsupported(String),
}

impl Stop {
    /// The trap's code, if this is a trap.
    pub fn trap_code(&self) -> Option<TrapCode> {
        match self {
            Stop::Trap { code, .. } => Some(*code),
            _ => None,
        }
    }
}
