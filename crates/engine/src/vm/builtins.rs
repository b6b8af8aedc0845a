//! The engine's functions that compiled code calls, see `artifact::vmctx::builtin`.
//!
//! All take and return u64 by the system's convention. None of them unwinds:
//! failure is a status, and what may panic is caught.

use super::exception::VmTag;
use super::hook;
use super::host::{self, HostContext, HostError};
use super::{Slot, VmPtr};
use crate::Result;
use crate::instance::InstanceData;
use crate::store::{Exit, StoreOpaque};
use sidetrack_artifact::vmctx::{self, builtin};
use sidetrack_artifact::{Architecture, SymbolName};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;

const FAILED: u64 = u64::MAX;
const RAISE: u64 = vmctx::builtin::RAISE as u64;
const NULL: u64 = 0;
const OK: u64 = 0;
const TRAP: u64 = 1;

/// The address of the function that code for `architecture` calls by this name.
pub fn resolve(architecture: Architecture, name: &SymbolName) -> Option<u64> {
    let SymbolName::Named(text) = name else { return None };
    match find(text) {
        Some(function) => Some(function.address()),
        None => sidetrack_patch::run::builtin_address(architecture, name),
    }
}

/// A function by the number of its parameters, which is that of [`builtin::ALL`].
enum Function {
    Two(extern "C" fn(u64, u64) -> u64),
    Slots(extern "C" fn(u64, *mut Slot) -> u64),
    Three(extern "C" fn(u64, u64, u64) -> u64),
    Four(extern "C" fn(u64, u64, u64, u64) -> u64),
    Five(extern "C" fn(u64, u64, u64, u64, u64) -> u64),
    Six(extern "C" fn(u64, u64, u64, u64, u64, u64) -> u64),
}

/// The function with a name, if it is one of these.
fn find(name: &str) -> Option<Function> {
    Some(match name {
        builtin::MEMORY_GROW => Function::Three(memory_grow),
        builtin::MEMORY_FILL => Function::Five(memory_fill),
        builtin::MEMORY_COPY => Function::Six(memory_copy),
        builtin::MEMORY_INIT => Function::Six(memory_init),
        builtin::DATA_DROP => Function::Two(data_drop),
        builtin::TABLE_GROW => Function::Four(table_grow),
        builtin::TABLE_FILL => Function::Five(table_fill),
        builtin::TABLE_COPY => Function::Six(table_copy),
        builtin::TABLE_INIT => Function::Six(table_init),
        builtin::ELEM_DROP => Function::Two(elem_drop),
        builtin::EXCEPTION_NEW => Function::Two(exception_new),
        builtin::HOST_CALL => Function::Slots(host_call),
        _ => return None,
    })
}

impl Function {
    fn address(&self) -> u64 {
        let address = match *self {
            Function::Two(function) => function as *const (),
            Function::Slots(function) => function as *const (),
            Function::Three(function) => function as *const (),
            Function::Four(function) => function as *const (),
            Function::Five(function) => function as *const (),
            Function::Six(function) => function as *const (),
        };
        address as u64
    }
}

/// The address of the instance whose context this is.
///
/// # Safety
/// Called from a built-in with the context that compiled code passed.
unsafe fn address(vmctx: u64) -> *mut InstanceData {
    // SAFETY: contexts are live while their code runs, and point to their instance.
    unsafe { *((vmctx + u64::from(vmctx::ctx::INSTANCE)) as *const *mut InstanceData) }
}

/// The instance whose context this is, and its store.
///
/// # Safety
/// Called from a built-in with the context that compiled code passed, whose store
/// the caller of that code has borrowed mutably; the result is used in that built-in only.
unsafe fn instance<'a>(vmctx: u64) -> (&'a InstanceData, &'a mut StoreOpaque) {
    // SAFETY: instances live as long as their store, to which they point. An instance is not
    // a part of the store's own memory, and nothing changes it while a built-in has it.
    unsafe {
        let instance = &*address(vmctx);
        (instance, &mut *instance.store_address().0.as_ptr())
    }
}

fn status(result: Option<()>) -> u64 {
    if result.is_some() { OK } else { TRAP }
}

extern "C" fn memory_grow(vmctx: u64, memory: u64, delta: u64) -> u64 {
    // SAFETY: a built-in.
    let (instance, store) = unsafe { instance(vmctx) };
    let memory = instance.memories()[memory as usize];
    or_raise(store, RAISE, |store| Ok(store.grow_memory(memory, delta)?.unwrap_or(FAILED)))
}

extern "C" fn memory_fill(vmctx: u64, memory: u64, at: u64, byte: u64, len: u64) -> u64 {
    // SAFETY: a built-in.
    let (instance, store) = unsafe { instance(vmctx) };
    let data = instance.memories()[memory as usize].get_mut(store).data_mut();
    status(range(data.len(), at, len).map(|range| data[range].fill(byte as u8)))
}

extern "C" fn memory_copy(vmctx: u64, to_memory: u64, from_memory: u64, to: u64, from: u64, len: u64) -> u64 {
    // SAFETY: a built-in.
    let (instance, store) = unsafe { instance(vmctx) };
    let [target, source] =
        [to_memory, from_memory].map(|memory| instance.memories()[memory as usize].get(store));
    let Some(from) = range(source.data().len(), from, len) else { return TRAP };
    let Some(to) = range(target.data().len(), to, len) else { return TRAP };
    let (source, target) = (source.base().as_ptr(), target.base().as_ptr());
    // SAFETY: both ranges are inside their memories, of which there is no slice any more; they
    // may overlap.
    unsafe { std::ptr::copy(source.add(from.start), target.add(to.start), from.len()) };
    OK
}

extern "C" fn memory_init(vmctx: u64, memory: u64, segment: u64, to: u64, from: u64, len: u64) -> u64 {
    // SAFETY: a built-in.
    let (instance, store) = unsafe { instance(vmctx) };
    status(instance.memory_init(store, memory as u32, segment as u32, to, from, len))
}

extern "C" fn data_drop(vmctx: u64, segment: u64) -> u64 {
    // SAFETY: a built-in, and nobody else has the instance now.
    let instance = unsafe { &mut *address(vmctx) };
    instance.data_drop(segment as u32);
    OK
}

extern "C" fn table_grow(vmctx: u64, table: u64, element: u64, delta: u64) -> u64 {
    // SAFETY: a built-in.
    let (instance, store) = unsafe { instance(vmctx) };
    let table = instance.tables()[table as usize];
    or_raise(store, RAISE, |store| Ok(store.grow_table(table, delta, element)?.unwrap_or(FAILED)))
}

extern "C" fn table_fill(vmctx: u64, table: u64, at: u64, element: u64, len: u64) -> u64 {
    // SAFETY: a built-in.
    let (instance, store) = unsafe { instance(vmctx) };
    let elements = instance.tables()[table as usize].get_mut(store).elements_mut();
    status(range(elements.len(), at, len).map(|range| elements[range].fill(element)))
}

extern "C" fn table_copy(vmctx: u64, to_table: u64, from_table: u64, to: u64, from: u64, len: u64) -> u64 {
    // SAFETY: a built-in.
    let (instance, store) = unsafe { instance(vmctx) };
    let [target, source] = [to_table, from_table].map(|table| instance.tables()[table as usize].get(store));
    let Some(from) = range(source.elements().len(), from, len) else { return TRAP };
    let Some(to) = range(target.elements().len(), to, len) else { return TRAP };
    let (source, target) = (source.base(), target.base());
    // SAFETY: both ranges are inside their tables, of which there is no slice any more; they
    // may overlap.
    unsafe { std::ptr::copy(source.add(from.start), target.add(to.start), from.len()) };
    OK
}

extern "C" fn table_init(vmctx: u64, table: u64, segment: u64, to: u64, from: u64, len: u64) -> u64 {
    // SAFETY: a built-in.
    let (instance, store) = unsafe { instance(vmctx) };
    status(instance.table_init(store, table as u32, segment as u32, to, from, len))
}

extern "C" fn elem_drop(vmctx: u64, segment: u64) -> u64 {
    // SAFETY: as for data_drop.
    let instance = unsafe { &mut *address(vmctx) };
    instance.elem_drop(segment as u32);
    OK
}

extern "C" fn exception_new(vmctx: u64, tag: u64) -> u64 {
    // SAFETY: a built-in.
    let (instance, store) = unsafe { instance(vmctx) };
    let tag: VmPtr<VmTag> = instance.tags()[tag as usize];
    or_raise(store, NULL, |store| store.new_exception(tag))
}

/// What comes of work that may fail because the embedder or the system refuses, or panic. Then
/// the store has why, and `raise` is returned, at which compiled code traps for that.
fn or_raise(store: &mut StoreOpaque, raise: u64, work: impl FnOnce(&mut StoreOpaque) -> Result<u64>) -> u64 {
    let place = hook::Place::here(store);
    let result = catch_unwind(AssertUnwindSafe(|| work(store)));
    place.come_back(store);
    let error = match result {
        Ok(Ok(value)) => return value,
        Ok(Err(error)) => HostError::Error(error),
        Err(panic) => HostError::Panic(panic),
    };
    store.set_exit(Exit::Host(error));
    raise
}

/// Calls a host function with the values in `slots`.
extern "C" fn host_call(context: u64, slots: *mut Slot) -> u64 {
    let Some(context) = NonNull::new(context as *mut HostContext) else { return TRAP };
    // SAFETY: only exit stubs call this, with the context of a host function, which lives as
    // long as its store; the caller of the code around this has borrowed that.
    let store = unsafe { HostContext::store(context) };
    // SAFETY: as above; the reference ends before the function is called.
    let place = hook::Place::here(unsafe { store.as_ref() });
    // SAFETY: as above, and the exit stub has slots for the function's type.
    let result = unsafe { host::call(context, slots) };
    // SAFETY: as above; what the function had is over.
    place.come_back(unsafe { store.as_ref() });
    let error = match result {
        Ok(()) => return OK,
        Err(error) => error,
    };
    // SAFETY: as above.
    let store = unsafe { &mut *store.as_ptr() };
    let exit = match error {
        HostError::Error(error) => match store.thrown_by(&error) {
            None => HostError::Error(error),
            Some(exception) => match hook::host_throw(store) {
                Ok(()) => {
                    store.set_thrown_at(error.downcast().ok());
                    return exception;
                }
                Err(failure) => failure,
            },
        },
        panic => panic,
    };
    store.set_exit(Exit::Host(exit));
    TRAP
}

/// The indices from `at` on, `len` of them, if they are all below `size`.
pub fn range(size: usize, at: u64, len: u64) -> Option<std::ops::Range<usize>> {
    let end = at.checked_add(len)?;
    (end <= size as u64).then_some(at as usize..end as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_have_the_parameters_that_callers_pass() {
        for (name, params) in builtin::ALL {
            assert!(params <= 8, "{name}");
            let found = match find(name) {
                Some(Function::Two(_) | Function::Slots(_)) => 2,
                Some(Function::Three(_)) => 3,
                Some(Function::Four(_)) => 4,
                Some(Function::Five(_)) => 5,
                Some(Function::Six(_)) => 6,
                // Not a function of the engine.
                None => {
                    assert_eq!(name, builtin::THROW);
                    continue;
                }
            };
            assert_eq!(found, params, "{name}");
        }
    }
}
