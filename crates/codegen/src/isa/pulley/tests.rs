//! Whole functions through the target, read back by the crate's disassembler.
