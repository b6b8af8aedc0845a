//! WebAssembly to IR.
#![forbid(unsafe_code)]
