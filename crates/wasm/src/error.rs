//! Why a module is not accepted.

use std::fmt;
use thiserror::Error;
use wasmparser::WasmFeatures;

/// A module is malformed, invalid, or uses what is not supported.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct WasmError {
    /// Where, as a byte offset in the module.
    pub offset: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What is valid elsewhere and not supported here, if it is that.
    pub unsupported: Option<String>,
}

impl fmt::Display for WasmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.unsupported {
            None => f.write_str(&self.message)?,
            Some(feature) if self.message.is_empty() => write!(f, "unsupported feature: {feature}")?,
            Some(feature) => write!(f, "unsupported feature: {feature}: {}", self.message)?,
        }
        match self.offset {
            Some(offset) => write!(f, " (at offset {offset:#x})"),
            None => Ok(()),
        }
    }
}

impl WasmError {
    /// An error at a byte offset.
    pub(crate) fn at(offset: u64, message: impl Into<String>) -> Self {
        WasmError { offset: usize::try_from(offset).ok(), message: message.into(), unsupported: None }
    }

    /// The module uses `what`, which is valid elsewhere but not supported here.
    pub(crate) fn unsupported(offset: u64, what: &str) -> Self {
        WasmError { unsupported: Some(what.to_string()), ..WasmError::at(offset, "") }
    }
}

impl From<wasmparser::Error> for WasmError {
    fn from(error: wasmparser::Error) -> Self {
        // One error names the feature in its words alone.
        let in_words = error.message().contains("the GC proposal is disabled").then_some(WasmFeatures::GC);
        let feature = error.missing_wasm_feature().or(in_words).and_then(feature_name);
        let unsupported = feature.map(str::to_string);
        WasmError { unsupported, ..WasmError::at(error.offset(), error.message()) }
    }
}

/// What WebAssembly's documents call the features that are refused.
fn feature_name(feature: WasmFeatures) -> Option<&'static str> {
    const NAMES: [(WasmFeatures, &str); 16] = [
        (WasmFeatures::THREADS, "threads"),
        (WasmFeatures::SHARED_EVERYTHING_THREADS, "shared-everything threads"),
        (WasmFeatures::GC, "garbage collection"),
        (WasmFeatures::FUNCTION_REFERENCES, "typed function references"),
        (WasmFeatures::COMPONENT_MODEL, "the component model"),
        (WasmFeatures::CUSTOM_PAGE_SIZES, "custom page sizes"),
        (WasmFeatures::LEGACY_EXCEPTIONS, "legacy exception handling"),
        (WasmFeatures::RELAXED_SIMD, "relaxed SIMD"),
        (WasmFeatures::TAIL_CALL, "tail calls"),
        (WasmFeatures::MULTI_MEMORY, "multiple memories"),
        (WasmFeatures::MEMORY64, "64-bit memories"),
        (WasmFeatures::EXCEPTIONS, "exception handling"),
        (WasmFeatures::EXTENDED_CONST, "extended constants"),
        (WasmFeatures::WIDE_ARITHMETIC, "wide arithmetic"),
        (WasmFeatures::STACK_SWITCHING, "stack switching"),
        (WasmFeatures::MEMORY_CONTROL, "memory control"),
    ];
    NAMES.iter().find(|(known, _)| feature.intersects(*known)).map(|(_, name)| *name)
}
