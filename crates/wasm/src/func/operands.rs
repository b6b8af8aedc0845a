//! The operand stack.
//!
//! What changes from one state to the next is found without a look at all of it: the
//! stack knows up to where from the bottom it is as the last state says, and which
//! operands the present operator has taken.

use super::state::Values;
use sidetrack_ir::Value;
use std::ops::Deref;

/// Operands, bottom first.
#[derive(Debug, Default)]
pub(super) struct Operands {
    values: Vec<Value>,
    /// How many of the lowest were there before the present operator, too.
    kept: usize,
    /// Those that it has taken, the topmost first.
    taken: Vec<Value>,
    /// How many of the lowest are as they are written down.
    pub written: usize,
}

impl Deref for Operands {
    type Target = [Value];
    fn deref(&self) -> &[Value] {
        &self.values
    }
}

impl Operands {
    /// Another operator begins.
    pub fn begin_operator(&mut self) {
        self.kept = self.values.len();
        self.taken.clear();
    }

    pub fn push(&mut self, value: Value) {
        self.values.push(value);
    }

    pub fn extend(&mut self, values: &[Value]) {
        self.values.extend_from_slice(values);
    }

    /// Leaves the lowest.
    pub fn truncate(&mut self, height: usize) {
        if height < self.kept {
            self.taken.extend(self.values[height..self.kept].iter().rev());
            self.kept = height;
        }
        self.values.truncate(height);
        self.written = self.written.min(height);
    }

    pub fn pop(&mut self) -> Option<Value> {
        let value = self.values.last().copied()?;
        self.truncate(self.values.len() - 1);
        Some(value)
    }

    /// Takes the topmost off, the first pushed first.
    pub fn pop_n(&mut self, count: usize) -> Values {
        let below = self.values.len() - count;
        let values = Values::from_slice(&self.values[below..]);
        self.truncate(below);
        values
    }

    /// How many operands there were before the present operator.
    pub fn height_before(&self) -> usize {
        self.kept + self.taken.len()
    }

    /// An operand that was there before the present operator.
    pub fn before(&self, index: usize) -> Value {
        if index < self.kept { self.values[index] } else { self.taken[self.height_before() - 1 - index] }
    }

    /// How many of the lowest are still there.
    pub fn kept(&self) -> usize {
        self.kept
    }
}
