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
}

impl fmt::Display for WasmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match self.offset {
            Some(offset) => write!(f, " (at offset {offset:#x})"),
            None => Ok(()),
        }
    }
}

impl WasmError {
    /// An error at a byte offset.
    pub(crate) fn at(offset: u64, message: impl Into<String>) -> Self {
        WasmError { offset: usize::try_from(offset).ok(), message: message.into() }
    }

    /// The module uses `what`, which is valid elsewhere but not supported here.
    pub(crate) fn unsupported(offset: u64, what: &str) -> Self {
        WasmError::at(offset, format!("{what} is not supported"))
    }
}

impl From<wasmparser::Error> for WasmError {
    fn from(error: wasmparser::Error) -> Self {
        // One error names the feature in its words alone.
        let in_words = error.message().contains("the GC proposal is disabled").then_some(WasmFeatures::GC);
        let feature = error.missing_wasm_feature().or(in_words).and_then(feature_name);
        let message = match feature {
            Some(name) => format!("{name} is not supported: {}", error.message()),
            None => error.message().to_string(),
        };
        WasmError::at(error.offset(), message)
    }
}

/// What WebAssembly's documents call the features that are refused.
fn feature_name(feature: WasmFeatures) -> Option<&'static str> {
    const NAMES: [(WasmFeatures, &str); 10] = [
        (WasmFeatures::THREADS, "threads"),
        (WasmFeatures::SHARED_EVERYTHING_THREADS, "shared-everything threads"),
        (WasmFeatures::GC, "garbage collection"),
        (WasmFeatures::FUNCTION_REFERENCES, "typed function references"),
        (WasmFeatures::COMPONENT_MODEL, "the component model"),
        (WasmFeatures::CUSTOM_PAGE_SIZES, "custom page sizes"),
        (WasmFeatures::LEGACY_EXCEPTIONS, "legacy exception handling"),
        (WasmFeatures::WIDE_ARITHMETIC, "wide arithmetic"),
        (WasmFeatures::STACK_SWITCHING, "stack switching"),
        (WasmFeatures::MEMORY_CONTROL, "memory control"),
    ];
    NAMES.iter().find(|(known, _)| feature.intersects(*known)).map(|(_, name)| *name)
}
