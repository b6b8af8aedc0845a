//! The WebAssembly engine.

#![deny(unsafe_code)]

pub mod vm;
