//! Values, the types of functions, and how execution ends.

use wasmparser::{AbstractHeapType, HeapType, RefType, ValType};

/// A function in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FuncAddr(pub(super) usize);

/// An exception in a store: how many were made before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExnAddr(pub(super) usize);

/// A value on the stack; floats are their bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// `i32`.
    I32(i32),
    /// `i64`.
    I64(i64),
    /// The bits of an `f32`.
    F32(u32),
    /// The bits of an `f64`.
    F64(u64),
    /// A `v128`, lane 0 in the least significant bits.
    V128(u128),
    /// A reference to a function, or null.
    Func(Option<FuncAddr>),
    /// A reference to something of the host, known by a number, or null.
    Extern(Option<u32>),
    /// A reference to an exception, or null.
    Exn(Option<ExnAddr>),
}

impl Value {
    /// The value 0 or null of a type.
    pub fn default_of(ty: ValType) -> Value {
        match ty {
            ValType::I32 => Value::I32(0),
            ValType::I64 => Value::I64(0),
            ValType::F32 => Value::F32(0),
            ValType::F64 => Value::F64(0),
            ValType::V128 => Value::V128(0),
            ValType::Ref(ty) => Value::null(ty.heap_type()),
        }
    }

    /// The null reference of a type of heap.
    pub(super) fn null(heap: HeapType) -> Value {
        match heap {
            HeapType::Abstract { ty: AbstractHeapType::Extern | AbstractHeapType::NoExtern, .. } => {
                Value::Extern(None)
            }
            HeapType::Abstract { ty: AbstractHeapType::Exn | AbstractHeapType::NoExn, .. } => {
                Value::Exn(None)
            }
            _ => Value::Func(None),
        }
    }

    /// Whether it is a null reference.
    pub fn is_null(self) -> bool {
        matches!(self, Value::Func(None) | Value::Extern(None) | Value::Exn(None))
    }
}

/// The type of a function or a tag, with references to typed functions as `funcref`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FuncType {
    /// Types of the parameters.
    pub params: Vec<ValType>,
    /// Types of the results.
    pub results: Vec<ValType>,
}

impl FuncType {
    /// A type of these parameters and results.
    pub fn new(params: &[ValType], results: &[ValType]) -> FuncType {
        let plain = |types: &[ValType]| types.iter().map(|ty| plain(*ty)).collect();
        FuncType { params: plain(params), results: plain(results) }
    }
}

/// The type with a typed function taken for any function.
fn plain(ty: ValType) -> ValType {
    match ty {
        ValType::Ref(reference) if matches!(reference.heap_type(), HeapType::Concrete(_)) => {
            ValType::Ref(if reference.is_nullable() { RefType::FUNCREF } else { RefType::FUNC })
        }
        _ => ty,
    }
}

/// Why an operator cannot be executed. The names are those of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trap {
    /// The call stack is used up.
    StackOverflow,
    /// An access outside a memory.
    MemoryOutOfBounds,
    /// An access outside a table.
    TableOutOfBounds,
    /// A call through a null table element.
    IndirectCallToNull,
    /// An indirect call of a function of another type.
    BadSignature,
    /// An integer result does not fit its type.
    IntegerOverflow,
    /// A division by zero.
    IntegerDivisionByZero,
    /// A NaN converted to an integer.
    BadConversionToInteger,
    /// `unreachable`.
    UnreachableCodeReached,
    /// A null reference where there must be none.
    NullReference,
    /// An atomic access at an address that is no multiple of its width.
    UnalignedAtomic,
    /// Waiting on a memory that is not shared.
    AtomicWait,
}

/// Why a call did not return.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// An operator trapped.
    Trap(Trap),
    /// An exception that nobody caught.
    Exception(ExnAddr),
    /// As many operators as were allowed have been executed.
    OutOfFuel,
    /// A host function failed.
    Host(String),
}

impl From<Trap> for Stop {
    fn from(trap: Trap) -> Stop {
        Stop::Trap(trap)
    }
}
