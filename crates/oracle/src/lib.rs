//! A plain interpreter of WebAssembly: what programs must do, for tests to compare with.
//!
//! Problem: steps, states and results of compiled code need a judge that cannot have
//! the same faults. Approach: the specification's abstract machine, written down as
//! directly as can be over wasmparser's operators. There is a store of addresses, a
//! frame has locals, an operand stack and labels, and [`run`] executes one operator
//! after the other. Nothing is shared with the translator, the engine or the
//! debugger's interpreter; clarity goes before speed.
//!
//! It knows version 2, tail calls, extended constants, several memories, 64-bit memories
//! and tables, exceptions, references to typed functions, relaxed SIMD and atomics. Types of
//! functions are compared with every reference to a typed function taken for `funcref`.
//!
//! Where the specification leaves a choice, it is the one that the host makes, as far as
//! processors differ:
//! - On x86-64 the result of arithmetic is the first operand that is a NaN, made quiet; if
//!   none is, but the result, the NaN with the sign set and only the quiet bit in its
//!   payload. On AArch64 and s390x a signalling operand goes before a quiet one, and the
//!   sign is not set; on RISC-V every NaN is that one.
//!   This holds for `min`, `max`, roundings and square roots, too. Changes of width keep
//!   the sign and the payload's high bits, but for RISC-V. Nothing else changes a NaN's bits.
//! - Relaxed operators do what their strict relatives do. Multiply-add rounds twice;
//!   lanes are selected bit by bit; dot products are of signed bytes, and wrap.
//! - A memory has at most [`Limits::memory_bytes`], a table [`Limits::table_elements`];
//!   growing beyond fails. The call stack is used up after [`Limits::stack`] slots.
//!
//! Invariants: modules are validated, so operands have the types that operators need;
//! when they have not, that is a fault here, and it panics.

#![forbid(unsafe_code)]

mod access;
mod atomic;
pub mod differential;
mod float;
mod instantiate;
mod memory;
mod module;
mod numeric;
mod operands;
mod run;
mod simd;
mod simd_memory;
mod store;
mod trace;
mod value;

pub use instantiate::LinkError;
pub use module::Module;
pub use store::{Extern, InstanceAddr, Limits, Store};
pub use trace::{Trace, trace_run};
pub use value::{ExnAddr, FuncAddr, FuncType, Stop, Trap, Value};
