//! WASI preview 1.
#![forbid(unsafe_code)]
