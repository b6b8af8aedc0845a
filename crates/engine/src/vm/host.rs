//! Host functions as compiled code calls them.
//!
//! A host function is a closure with its type. For each import of it, and for each
//! handle that the host has, a store makes a [`HostContext`]: what the function's
//! record passes as context. The exit stub hands that context and the slots of the
//! values to `host_call`, which calls the closure with the store and with the
//! instance that imported it.

use super::context::{FuncRecord, StoreFields};
use super::{Slot, StoreAddress, VmPtr};
use crate::caller::Caller;
use crate::debug::{DebugEvent, Resume, Stopped};
use crate::instance::InstanceData;
use crate::limits::ResourceLimiter;
use crate::store::{StoreDyn, StoreInner, StoreOpaque};
use crate::types::FuncType;
use crate::{Result, StoreContextMut};
use sidetrack_artifact::vmctx;
use std::any::Any;
use std::cell::UnsafeCell;
use std::fmt;
use std::marker::PhantomPinned;
use std::mem::offset_of;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::sync::Arc;

type Closure =
    dyn Fn(NonNull<StoreOpaque>, Option<VmPtr<InstanceData>>, &mut [Slot]) -> Result<()> + Send + Sync;

/// A closure that WebAssembly can call, for stores with one type of data.
pub struct HostFunc {
    ty: FuncType,
    call: Box<Closure>,
}

impl fmt::Debug for HostFunc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "host function {}", self.ty)
    }
}

impl HostFunc {
    /// A function of this type. The closure finds its arguments in the slots, which
    /// are as many as the type's parameters or results, whichever are more, and leaves
    /// its results there.
    ///
    /// It must be called with stores of data `T` only; [`crate::Linker`] and
    /// [`crate::Func`] see to that by their types.
    pub fn new<T: 'static>(
        ty: FuncType,
        call: impl Fn(Caller<'_, T>, &mut [Slot]) -> Result<()> + Send + Sync + 'static,
    ) -> Arc<Self> {
        let call = move |store: NonNull<StoreOpaque>, instance, slots: &mut [Slot]| {
            // SAFETY: the opaque part is the start of the whole store, whose data is a T since
            // this function is used with such stores only; whoever called compiled code has
            // borrowed the store mutably and does not touch it until this returns.
            let inner = unsafe { store.cast::<StoreInner<T>>().as_mut() };
            call(Caller::new(StoreContextMut::new(inner), instance), slots)
        };
        Arc::new(HostFunc { ty, call: Box::new(call) })
    }

    /// Its type.
    pub fn ty(&self) -> &FuncType {
        &self.ty
    }

    fn slots(&self) -> usize {
        self.ty.params.len().max(self.ty.results.len())
    }
}

/// The address of a store as a whole, to ask what needs the embedder's data.
pub struct Whole(Option<NonNull<dyn StoreDyn>>);

// SAFETY: the address is that of the store this is a part of.
unsafe impl Send for Whole {}
// SAFETY: as above; it is followed with a mutable borrow of the store only.
unsafe impl Sync for Whole {}

impl Whole {
    /// Not known yet.
    pub fn unknown() -> Self {
        Whole(None)
    }

    /// The store at this address, which does not move any more.
    pub fn of<T: 'static>(store: &mut StoreInner<T>) -> Self {
        let whole: &mut dyn StoreDyn = store;
        Whole(Some(NonNull::from(whole)))
    }

    /// The address of the part that every store has.
    ///
    /// # Panics
    /// If the store's place is not known yet.
    pub fn address(&self) -> StoreAddress {
        StoreAddress(self.0.expect("a store knows its place once it is made").cast())
    }

    /// Whether the store has a debug handler that is not at work.
    pub fn is_debugged(store: &StoreOpaque) -> bool {
        let whole = store.whole().0;
        // SAFETY: the store is borrowed, and only asked.
        whole.is_some_and(|whole| unsafe { whole.as_ref() }.is_debugged())
    }

    /// Tells the store's debug handler; see [`DebugEvent::unheard`] for what is answered without.
    pub fn debug_event(store: &mut StoreOpaque, event: DebugEvent, stop: &Stopped<'_>) -> Result<Resume> {
        match store.whole().0 {
            // SAFETY: as below.
            Some(mut whole) => unsafe { whole.as_mut() }.debug_event(event, stop),
            None => event.unheard(),
        }
    }

    /// Asks the store's limiter, if there is one.
    pub fn limiter<R>(store: &mut StoreOpaque, ask: impl FnOnce(&mut dyn ResourceLimiter) -> R) -> Option<R> {
        let mut whole = store.whole().0?;
        // SAFETY: the store is borrowed mutably, and nothing of it is used until this is over.
        unsafe { whole.as_mut() }.limiter().map(ask)
    }
}

/// A host function in a store. It starts as an instance's context does, since the exit stub
/// tells the store through it where the code has stopped.
#[derive(Debug)]
#[repr(C)]
pub struct HostContext {
    fields: *const UnsafeCell<StoreFields>,
    store: StoreAddress,
    instance: Option<VmPtr<InstanceData>>,
    func: Arc<HostFunc>,
    record: FuncRecord,
    /// The record has its address.
    _pointed_to: PhantomPinned,
}

const _: () = assert!(offset_of!(HostContext, fields) == vmctx::ctx::STORE as usize);

// SAFETY: a part of its store; the addresses are followed only when that is borrowed.
unsafe impl Send for HostContext {}
// SAFETY: as above.
unsafe impl Sync for HostContext {}

impl HostContext {
    /// The record of the function in `store`, imported by `instance` if any, called by code through
    /// the exit stub at `code` if any. `type_id` is the id of its type.
    pub fn create(
        store: &mut StoreOpaque,
        instance: Option<VmPtr<InstanceData>>,
        func: Arc<HostFunc>,
        code: *const u8,
        type_id: u32,
    ) -> VmPtr<FuncRecord> {
        let record = FuncRecord::of_host(code, std::ptr::null(), type_id);
        let fields = &raw const *store.fields();
        let context = HostContext {
            fields,
            store: store.address(),
            instance,
            func,
            record,
            _pointed_to: PhantomPinned,
        };
        let context = store.push_host(context);
        let address = context.address(store.id());
        // SAFETY: the store has just taken the context and keeps it until it is dropped; no
        // code knows of it yet.
        unsafe { (*address.as_ptr()).record.vmctx = address.as_ptr().cast() };
        Self::record(context)
    }

    /// The record of a host function.
    pub fn record(context: VmPtr<Self>) -> VmPtr<FuncRecord> {
        let address = context.address(context.store());
        // SAFETY: a part of the context, which its store keeps until it is dropped.
        unsafe { VmPtr::new(context.store(), NonNull::new_unchecked(&raw mut (*address.as_ptr()).record)) }
    }

    /// The store that the context at this address belongs to.
    ///
    /// # Safety
    /// The context is live.
    pub(super) unsafe fn store(context: NonNull<Self>) -> NonNull<StoreOpaque> {
        // SAFETY: by the caller.
        unsafe { context.as_ref() }.store.0
    }
}

/// The function behind a record, if that is a host function's.
pub fn host_func(store: &StoreOpaque, record: VmPtr<FuncRecord>) -> Option<Arc<HostFunc>> {
    // SAFETY: records live as long as their store; one without entry stub has a HostContext.
    let record = unsafe { record.address(store.id()).as_ref() };
    let host = record.entry.is_null();
    // SAFETY: as above.
    host.then(|| unsafe { (*record.vmctx.cast::<HostContext>()).func.clone() })
}

/// Whether code can call through the record.
pub fn callable(store: &StoreOpaque, record: VmPtr<FuncRecord>) -> bool {
    // SAFETY: records live as long as their store.
    !unsafe { record.address(store.id()).as_ref() }.code.is_null()
}

/// Gives a host function's record the exit stub at `code`.
pub fn set_code(store: &mut StoreOpaque, record: VmPtr<FuncRecord>, code: *const u8) {
    // SAFETY: records live as long as their store, which is borrowed mutably.
    unsafe { record.address(store.id()).as_mut() }.code = code;
}

/// Why a host function did not return.
pub enum HostError {
    /// It returned an error.
    Error(crate::Error),
    /// It panicked.
    Panic(Box<dyn Any + Send>),
}

/// Calls the function of a context; a panic is a value.
///
/// # Safety
/// `context` is that of a host function in a store that the caller of the compiled
/// code around this call has borrowed mutably, and `slots` has room for its
/// parameters and for its results.
pub(super) unsafe fn call(context: NonNull<HostContext>, slots: *mut Slot) -> Result<(), HostError> {
    // SAFETY: by the caller; contexts live as long as their store. The function may get its record
    // code, which is in the context, so nothing of that stays borrowed; the closure is elsewhere.
    let (func, store, instance) = unsafe {
        let context = context.as_ref();
        (&*Arc::as_ptr(&context.func), context.store, context.instance)
    };
    let count = func.slots();
    // SAFETY: by the caller. Without slots the pointer may be anything.
    let slots = if count == 0 { &mut [] } else { unsafe { std::slice::from_raw_parts_mut(slots, count) } };
    let call = || (func.call)(store.0, instance, slots);
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(HostError::Error(error)),
        Err(panic) => Err(HostError::Panic(panic)),
    }
}
