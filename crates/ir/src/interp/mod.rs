//! The reference interpreter: what a function means, and the oracle of the tests.

pub mod eval;
