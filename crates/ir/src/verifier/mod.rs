//! The verifier: what text or a builder can say, but CLIF does not allow.
//!
//! Approach: first the form of instructions, then entities (does everything named
//! exist?), since nothing else can be asked about what is not there; then structure, types, dominance, calls. All
//! errors of a function are reported, each with the entity that it is about. Code
//! that control cannot reach need not be dominated by what it uses.

mod calls;
mod entities;
mod flow;
mod form;
mod globals;
mod states;
mod types;

use crate::entities::AnyEntity;
use crate::function::Function;
use crate::text::SourceMap;
use std::fmt;

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierError {
    /// What breaks it.
    pub entity: AnyEntity,
    /// What it breaks, with the text of the entity.
    pub message: String,
}

/// The broken rules of a function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifierErrors(pub Vec<VerifierError>);

impl VerifierErrors {
    /// The errors with the lines of their entities.
    pub fn with_lines(&self, source: &SourceMap) -> String {
        let line = |error: &VerifierError| format!("line {}: {}", source.line(error.entity), error.message);
        self.0.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    fn add(&mut self, entity: impl Into<AnyEntity>, message: impl Into<String>) {
        self.0.push(VerifierError { entity: entity.into(), message: message.into() });
    }

    /// An error about an instruction, with its text.
    fn inst(&mut self, func: &Function, inst: crate::Inst, message: impl fmt::Display) {
        self.add(AnyEntity::Inst(inst), format!("{inst} ({}): {message}", func.display_inst(inst)));
    }

    fn done(self) -> Result<(), VerifierErrors> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl fmt::Display for VerifierErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, error) in self.0.iter().enumerate() {
            write!(f, "{}{}", if i == 0 { "" } else { "\n" }, error.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for VerifierErrors {}

/// Verifies a function.
///
/// # Errors
/// Every broken rule; if an instruction is malformed or something named does not exist, only
/// rules of that kind.
pub fn verify(func: &Function) -> Result<(), VerifierErrors> {
    verify_internal(func)?;
    let mut errors = VerifierErrors::default();
    form::check_keys(func, &mut errors);
    errors.done()
}

/// Verifies a function on its way through a code generator, which may have split its vectors:
/// the keys of states may be those of halves.
///
/// # Errors
/// As [`verify`].
pub fn verify_internal(func: &Function) -> Result<(), VerifierErrors> {
    let mut errors = VerifierErrors::default();
    form::check(func, &mut errors);
    if !errors.0.is_empty() {
        return Err(errors);
    }
    entities::check(func, &mut errors);
    globals::check(func, &mut errors);
    if !errors.0.is_empty() {
        return Err(errors);
    }
    flow::check_structure(func, &mut errors);
    if !errors.0.is_empty() {
        return Err(errors);
    }
    types::check(func, &mut errors);
    calls::check(func, &mut errors);
    flow::check_dominance(func, &mut errors);
    errors.done()
}

#[cfg(test)]
mod tests;
