//! A debugger for programs that the engine runs.
//!
//! [`session`] is what debugging is, whoever asks: breakpoints, steps, frames, values.
//! It knows no protocol and prints nothing. [`repl`] is the command line on top of it.

#![forbid(unsafe_code)]

pub mod repl;
pub mod session;
