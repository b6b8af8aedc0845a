//! CLIF text: reading and writing.
//!
//! The reader takes what Cranelift's reader takes, as far as the language here
//! goes; what is CLIF but outside of it gives an error marked `unsupported`.
//! Immediate forms (`iadd_imm`), the `_not` forms and `stack_load` and `stack_store`
//! are read as the instructions that they stand for.

mod file;
mod function;
mod inst;
mod lexer;
mod parser;
mod resolve;
mod writer;

pub use file::{Setting, TargetLine, TestCommand, TestFile, parse_functions, parse_test};

use crate::entities::*;
use crate::function::Function;
use rustc_hash::FxHashMap;

/// Text that is not CLIF, or not of the subset that is here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct ParseError {
    /// The line, counted from 1.
    pub line: u32,
    /// What is wrong.
    pub message: String,
    /// Whether this is, or may be, CLIF beyond the subset: an instruction, type or
    /// convention that is not here.
    pub unsupported: bool,
}

/// A comment and what it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// The line, counted from 1.
    pub line: u32,
    /// The text without semicolons and blanks around it.
    pub text: String,
    /// The entity before it.
    pub entity: AnyEntity,
}

/// Where the parts of a function stand in the text.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    pub(crate) function: u32,
    pub(crate) lines: FxHashMap<AnyEntity, u32>,
}

impl SourceMap {
    /// The line of an entity, counted from 1; that of the function's head if it
    /// is not known.
    pub fn line(&self, entity: AnyEntity) -> u32 {
        self.lines.get(&entity).copied().unwrap_or(self.function)
    }
}

/// A function with what its text says beyond it.
#[derive(Clone, Debug)]
pub struct ParsedFunction {
    /// The function.
    pub func: Function,
    /// The lines of its parts.
    pub source: SourceMap,
    /// Its comments, those that follow its closing brace included.
    pub comments: Vec<Comment>,
}

#[cfg(test)]
mod tests;
