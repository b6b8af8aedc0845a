//! The engine's unsafe part: memory that compiled code reads and writes.
//!
//! Problem: compiled code works on raw addresses (contexts, tables, memories,
//! records) that it was given. Approach: a store owns everything that its
//! instances refer to, at addresses that never change, until the store is dropped;
//! handles that embedders hold are an address and the store's id, and are followed
//! only when a borrow of that very store is at hand. Everything outside this
//! module is safe code on top of it.
//!
//! Invariants: an [`VmPtr`] is made for an object of a store and checked against a
//! store before each use; a store's objects are freed only with the store;
//! compiled code runs only while its store is mutably borrowed by the caller of
//! [`call::invoke`].
#![allow(unsafe_code)]

pub(crate) mod builtins;
pub(crate) mod call;
pub(crate) mod code;
pub(crate) mod context;
pub(crate) mod exception;
pub(crate) mod hook;
pub(crate) mod host;
pub(crate) mod memory;
pub(crate) mod ptr;
pub(crate) mod reservation;
pub(crate) mod roots;
pub(crate) mod slot;
pub(crate) mod switch;
pub(crate) mod table;

pub(crate) use context::{Context, FuncRecord, StoreFields};
pub(crate) use exception::{Exceptions, VmTag};
pub(crate) use host::{HostContext, HostError, HostFunc};
pub(crate) use memory::VmMemory;
pub(crate) use ptr::{Arena, StoreAddress, StoreId, VmPtr};
pub(crate) use roots::Activation;
pub(crate) use slot::Slot;
pub(crate) use table::VmTable;
