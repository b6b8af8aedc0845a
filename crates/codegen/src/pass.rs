//! Running a pass on a function, and looking at what it leaves.
//!
//! Every pass, from legalising on, keeps the rules of the language. With the setting
//! `enable_verifier` the verifier looks at the function after each, so that a pass that
//! breaks one is named, and not the place where that is met much later.

use sidetrack_ir::{Function, verifier, work};

/// Runs passes on a function, one after the other.
pub struct Passes<'a> {
    func: &'a mut Function,
    verify: bool,
}

impl<'a> Passes<'a> {
    /// Passes on `func`, with the verifier after each if `verify` is set.
    pub fn new(func: &'a mut Function, verify: bool) -> Self {
        Passes { func, verify }
    }

    /// Runs one pass.
    ///
    /// # Errors
    /// The rules that the function breaks after it, which is a bug of the pass.
    pub fn run<R>(&mut self, name: &'static str, pass: impl FnOnce(&mut Function) -> R) -> Result<R, String> {
        let result = work::measure(name, || pass(self.func));
        self.check(name)?;
        Ok(result)
    }

    /// Looks at the function after the pass `name`, if that is wanted.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn check(&self, name: &str) -> Result<(), String> {
        if self.verify {
            let verified = work::measure("verifier", || verifier::verify_internal(self.func));
            verified.map_err(|errors| format!("after {name}: {errors}"))?;
        }
        Ok(())
    }
}
