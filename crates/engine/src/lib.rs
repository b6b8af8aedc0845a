//! The WebAssembly engine.
//!
//! An [`Engine`] compiles a [`Module`]; a [`Store`] holds the [`Instance`]s of modules
//! with the embedder's data; a [`Linker`] finds what they import. Names and habits are
//! those that embedders know from other engines.
//!
//! ```
//! use sidetrack_engine::{Engine, Instance, Module, Store};
//! let engine = Engine::default();
//! let module = Module::new(&engine, r#"(module
//!     (func (export "add") (param i32 i32) (result i32)
//!         (i32.add (local.get 0) (local.get 1))))"#)?;
//! let mut store = Store::new(&engine, ());
//! let instance = Instance::new(&mut store, &module, &[])?;
//! let add = instance.get_typed_func::<(i32, i32), i32>(&mut store, "add")?;
//! assert_eq!(add.call(&mut store, (2, 3))?, 5);
//! # Ok::<(), sidetrack_engine::Error>(())
//! ```

#![deny(unsafe_code)]

mod cache;
mod caller;
mod code;
mod compile;
mod config;
pub mod debug;
mod externs;
mod func;
mod global;
mod instance;
mod limits;
mod linker;
mod memory;
mod module;
#[cfg(doctest)]
#[doc = include_str!("must_not_compile.md")]
mod must_not_compile {}
mod names;
mod parallel;
mod serialize;
mod store;
mod table;
mod trap;
mod typed;
mod types;
mod val;
mod vm;

pub use anyhow::{Error, Result};
pub use cache::{Cache, CacheUsage};
pub use caller::Caller;
pub use compile::{Features, InvalidModule, UnsupportedFeature};
pub use config::{Config, Engine, Instrument, OptLevel, Progress, Target};
pub use debug::{
    BreakpointEdit, DebugContext, DebugEvent, DebugFrame, InterruptHandle, InterruptSignal, Resume,
};
pub use externs::Extern;
pub use func::Func;
pub use global::{Global, Tag};
pub use instance::Instance;
pub use limits::{ResourceLimiter, StoreLimits, StoreLimitsBuilder};
pub use linker::Linker;
pub use memory::{Memory, MemoryAccessError};
pub use module::{ExportType, ImportType, Module};
pub use names::{Printable, demangle};
pub use sidetrack_artifact::EntityIndex;
pub use store::{AsContext, AsContextMut, Store, StoreContext, StoreContextMut};
pub use table::Table;
pub use trap::{FrameInfo, ThrownException, Trap, WasmBacktrace};
pub use typed::{IntoFunc, TypedFunc, WasmParams, WasmResults, WasmRet, WasmTy};
pub use types::{
    ExternType, FuncType, GlobalType, HeapType, Limits, MemoryType, RefType, TableType, ValType,
};
pub use val::{ExnRef, ExternRef, OwnedExnRef, V128, Val};
pub use vm::reservation::ReservationError;
