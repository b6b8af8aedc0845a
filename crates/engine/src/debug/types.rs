//! The types of operands at every operator.
//!
//! Problem: each operator of a body has a stack of types before it, and all of them
//! together are large. Approach: stacks share what is below: a stack is the number
//! of its topmost entry, an entry knows the one below. Pushing what was pushed
//! there last time gives the same entry again, so that a body has few of them.

use crate::{HeapType, RefType, ValType};
use wasmparser::{AbstractHeapType, UnpackedIndex};

/// An entry of a stack.
#[derive(Clone, Copy, Debug)]
struct Node {
    ty: ValType,
    below: Stack,
    height: u32,
    /// What was pushed onto it last.
    above: Stack,
}

/// A stack of types: its topmost entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stack(u32);

impl Stack {
    pub const EMPTY: Stack = Stack(0);
}

/// All stacks of a body.
#[derive(Debug)]
pub(super) struct Stacks(Vec<Node>);

impl Stacks {
    pub fn new() -> Self {
        let bottom = Node { ty: ValType::I32, below: Stack::EMPTY, height: 0, above: Stack::EMPTY };
        Stacks(vec![bottom])
    }

    fn node(&self, stack: Stack) -> Node {
        self.0[stack.0 as usize]
    }

    pub fn push(&mut self, stack: Stack, ty: ValType) -> Stack {
        let Node { above, height, .. } = self.node(stack);
        if above != Stack::EMPTY && self.node(above).ty == ty {
            return above;
        }
        let pushed = Stack(self.0.len() as u32);
        self.0.push(Node { ty, below: stack, height: height + 1, above: Stack::EMPTY });
        self.0[stack.0 as usize].above = pushed;
        pushed
    }

    /// The topmost type; none if the stack is empty.
    pub fn top(&self, stack: Stack) -> Option<ValType> {
        (stack != Stack::EMPTY).then(|| self.node(stack).ty)
    }

    /// Without the topmost `count`; none if there are not so many.
    pub fn pop(&self, stack: Stack, count: u32) -> Option<Stack> {
        (self.height(stack) >= count).then(|| (0..count).fold(stack, |stack, _| self.node(stack).below))
    }

    pub fn height(&self, stack: Stack) -> u32 {
        self.node(stack).height
    }

    /// The types, bottom first.
    pub fn list(&self, stack: Stack) -> Vec<ValType> {
        let mut types = Vec::with_capacity(self.height(stack) as usize);
        self.for_each(stack, |_, ty| types.push(ty));
        types.reverse();
        types
    }

    /// Calls `each` with the types and their numbers from the bottom, topmost first.
    pub fn for_each(&self, stack: Stack, mut each: impl FnMut(usize, ValType)) {
        let mut at = stack;
        while at != Stack::EMPTY {
            let Node { ty, below, height, .. } = self.node(at);
            each(height as usize - 1, ty);
            at = below;
        }
    }
}

/// A value type as the rest of the engine writes it; none if it is not supported.
pub(super) fn value_type(ty: wasmparser::ValType) -> Option<ValType> {
    Some(match ty {
        wasmparser::ValType::I32 => ValType::I32,
        wasmparser::ValType::I64 => ValType::I64,
        wasmparser::ValType::F32 => ValType::F32,
        wasmparser::ValType::F64 => ValType::F64,
        wasmparser::ValType::V128 => ValType::V128,
        wasmparser::ValType::Ref(ty) => {
            let heap = heap_type(ty.heap_type())?;
            ValType::Ref(RefType { nullable: ty.is_nullable(), heap })
        }
    })
}

/// What a reference refers to; none if it is not supported.
pub(super) fn heap_type(ty: wasmparser::HeapType) -> Option<HeapType> {
    use wasmparser::HeapType as H;
    Some(match ty {
        H::Abstract { shared: false, ty: AbstractHeapType::Func } => HeapType::Func,
        H::Abstract { shared: false, ty: AbstractHeapType::Extern } => HeapType::Extern,
        H::Abstract { shared: false, ty: AbstractHeapType::Exn } => HeapType::Exn,
        H::Abstract { shared: false, ty: AbstractHeapType::NoFunc } => HeapType::NoFunc,
        H::Abstract { shared: false, ty: AbstractHeapType::NoExtern } => HeapType::NoExtern,
        H::Abstract { shared: false, ty: AbstractHeapType::NoExn } => HeapType::NoExn,
        H::Concrete(UnpackedIndex::Module(index)) => HeapType::Concrete(index),
        _ => return None,
    })
}

/// How many bits a value has.
pub(super) fn width(ty: ValType) -> u32 {
    match ty {
        ValType::I32 | ValType::F32 => 32,
        ValType::I64 | ValType::F64 | ValType::Ref(_) => 64,
        ValType::V128 => 128,
    }
}

/// The low `width` bits.
pub(super) fn low_bits(bits: u128, width: u32) -> u128 {
    bits & (u128::MAX >> (128 - width))
}
