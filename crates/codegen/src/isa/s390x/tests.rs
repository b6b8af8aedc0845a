//! Encodings against an independent disassembler.
