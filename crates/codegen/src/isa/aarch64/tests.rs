//! Encodings, read back by disassemblers.
