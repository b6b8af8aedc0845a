//! What is accepted of WebAssembly.

use wasmparser::WasmFeatures;

/// The proposals beyond version 2 that can be refused; all are accepted by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features {
    /// `return_call` and `return_call_indirect`.
    pub tail_calls: bool,
    /// Arithmetic in constant expressions.
    pub extended_const: bool,
    /// More than one memory.
    pub multi_memory: bool,
    /// Memories and tables with 64-bit indices.
    pub memory64: bool,
    /// `try_table`, `throw` and `throw_ref`.
    pub exceptions: bool,
    /// `try` with `catch`, `catch_all` and `delegate`, and `rethrow`: what exceptions were
    /// before the standard, and what compilers still write.
    pub legacy_exceptions: bool,
    /// Vector operators whose results may differ between processors. Here they are the
    /// same on all, but for NaNs.
    pub relaxed_simd: bool,
    /// Atomic operators, on memories that are not shared; those are not supported.
    pub threads: bool,
}

impl Features {
    /// Version 2 of the specification.
    pub const VERSION_2: Features = Features {
        tail_calls: false,
        extended_const: false,
        multi_memory: false,
        memory64: false,
        exceptions: false,
        legacy_exceptions: false,
        relaxed_simd: false,
        threads: false,
    };

    pub(crate) fn flags(self) -> WasmFeatures {
        let mut flags = WasmFeatures::MUTABLE_GLOBAL
            | WasmFeatures::SATURATING_FLOAT_TO_INT
            | WasmFeatures::SIGN_EXTENSION
            | WasmFeatures::REFERENCE_TYPES
            | WasmFeatures::MULTI_VALUE
            | WasmFeatures::BULK_MEMORY
            | WasmFeatures::SIMD
            | WasmFeatures::FLOATS
            | WasmFeatures::GC_TYPES;
        flags.set(WasmFeatures::TAIL_CALL, self.tail_calls);
        flags.set(WasmFeatures::EXTENDED_CONST, self.extended_const);
        flags.set(WasmFeatures::MULTI_MEMORY, self.multi_memory);
        flags.set(WasmFeatures::MEMORY64, self.memory64);
        flags.set(WasmFeatures::EXCEPTIONS, self.exceptions);
        flags.set(WasmFeatures::LEGACY_EXCEPTIONS, self.legacy_exceptions);
        flags.set(WasmFeatures::RELAXED_SIMD, self.relaxed_simd);
        flags.set(WasmFeatures::THREADS, self.threads);
        flags
    }
}

impl Default for Features {
    fn default() -> Self {
        Features {
            tail_calls: true,
            extended_const: true,
            multi_memory: true,
            memory64: true,
            exceptions: true,
            legacy_exceptions: true,
            relaxed_simd: true,
            threads: true,
        }
    }
}
