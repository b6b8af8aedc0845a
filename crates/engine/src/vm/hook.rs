//! Where sites that are on lead: from the registers to the store's debugger.

use super::call::Halt;
use super::{HostError, StoreAddress, VmPtr};
use crate::debug;
use crate::instance::InstanceData;
use crate::store::{Exit, StoreOpaque};
use sidetrack_artifact::StatePlace;
use sidetrack_artifact::TrapCode;
use sidetrack_patch::run::{self, Frame, HookFrame, Hooks, Kept};
use std::cell::{Cell, OnceCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{NonNull, null_mut};
use std::sync::Once;

thread_local! {
    /// The store whose code runs on this thread, innermost.
    static CURRENT: Cell<*mut StoreOpaque> = const { Cell::new(null_mut()) };
}

/// Says which store's code runs on this thread until the value is dropped.
pub(super) struct Entered(*mut StoreOpaque);

impl Entered {
    pub(super) fn new(store: StoreAddress) -> Self {
        static HOOK: Once = Once::new();
        // SAFETY: the hook is right for all code of the engine, which is all that calls sites
        // of this name, and does not unwind.
        HOOK.call_once(|| unsafe { run::set_hooks(Hooks { site, trap }) });
        Entered(CURRENT.replace(store.0.as_ptr()))
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}

/// Where a thread is in the calls that are under way, before the host is called. What
/// changes stacks within a host function could go back into code while a call that
/// began later is under way, or on another thread; a trap of that code would end the wrong call.
#[derive(PartialEq)]
pub(super) struct Place {
    current: *mut StoreOpaque,
    native: usize,
    depth: usize,
}

impl Place {
    pub(super) fn here(store: &StoreOpaque) -> Self {
        Place { current: CURRENT.get(), native: run::activation(), depth: store.depth() }
    }

    /// Called before a thread goes back into the store's code.
    ///
    /// Aborts the process if this is another place.
    pub(super) fn come_back(self, store: &StoreOpaque) {
        if self != Place::here(store) {
            std::process::abort();
        }
        super::switch::before_code();
    }
}

/// The registers at a site; none where a host function is at work.
pub struct Registers<'a> {
    hook: Option<&'a HookFrame>,
    /// Registers in the frames around, once somebody has asked.
    kept: OnceCell<Vec<Kept>>,
}

impl<'a> Registers<'a> {
    fn new(hook: Option<&'a HookFrame>) -> Self {
        Registers { hook, kept: OnceCell::new() }
    }

    /// The address at which the site ends.
    pub fn pc(&self) -> usize {
        self.hook.map_or(0, |hook| hook.pc)
    }

    /// The frame pointer of the function that the site is in.
    pub fn fp(&self) -> usize {
        self.hook.map_or(0, |hook| hook.fp)
    }

    /// The bits of a value; those beyond its type's are undefined.
    pub fn read(&self, place: StatePlace) -> u128 {
        // SAFETY: `debug` reads the places of the site's own state map.
        self.hook.map_or(0, |hook| unsafe { hook.read(place) })
    }

    /// Whether a host function is at work: then the innermost frame is in its call.
    pub fn is_in_host(&self) -> bool {
        self.hook.is_none()
    }

    /// The frames from the site outwards, those of outer activations too.
    pub fn frames(&self, store: &StoreOpaque) -> Vec<Frame> {
        self.first_frames(store, usize::MAX)
    }

    /// The same, or so many of them at least: who wants the first ones need not wait for a
    /// deep stack.
    pub fn first_frames(&self, store: &StoreOpaque, least: usize) -> Vec<Frame> {
        let Some(hook) = self.hook else { return super::call::frames_in_host(store) };
        // SAFETY: the function is stopped at the site, and its frame is live.
        let mut frames = unsafe { run::walk(hook.pc, hook.fp, least) };
        if frames.len() < least {
            frames.extend(super::call::outer_frames(store, None));
        }
        frames
    }

    /// The bits of a value of a function that is stopped in a call; those beyond its
    /// type's are undefined. `frame` is one that [`Registers::frames`] has just found.
    /// None for a register in a frame of an outer activation, or where there are none.
    pub fn read_outer(&self, frame: &Frame, place: StatePlace) -> Option<u128> {
        let StatePlace::Reg(reg) = place else {
            // SAFETY: a place of the call's own state map, and the frame is live.
            return Some(unsafe { run::read_frame(frame.fp, place) });
        };
        let hook = self.hook?;
        // SAFETY: the hook returns after the registers are dropped.
        let kept = self.kept.get_or_init(|| unsafe { Kept::in_frames(hook) });
        let at = kept.binary_search_by_key(&frame.fp, |kept| kept.fp).ok()?;
        kept[at].read(reg)
    }
}

/// The instance of the store whose context this is: the value that a state map has for it.
pub fn instance_of(store: &StoreOpaque, context: u64) -> Option<VmPtr<InstanceData>> {
    let (start, instance) = store.context_below(context)?;
    (start == context).then_some(instance)
}

/// Runs what is to be done where the code of this thread's store has stopped; none if it has
/// none.
fn stopped<'a>(
    frame: &HookFrame,
    tell: impl FnOnce(&mut StoreOpaque, &Registers<'_>) -> crate::Result<()>,
) -> Option<(&'a mut StoreOpaque, Result<(), HostError>)> {
    let mut store = NonNull::new(CURRENT.get())?;
    // SAFETY: the caller of the compiled code around this has borrowed the store mutably and
    // does not touch it until the code is left.
    let store = unsafe { store.as_mut() };
    // The registers that the hook has saved are the lowest values of the code.
    let low = Some(&raw const *frame as usize);
    let outer = store.stop_at(Some(Halt { frame: Frame { pc: frame.pc, fp: frame.fp }, low }));
    let place = Place::here(store);
    let result = guarded(|| tell(store, &Registers::new(Some(frame))));
    place.come_back(store);
    store.stop_at(outer);
    Some((store, result))
}

/// What comes of the debugger's work; a panic is a value.
fn guarded(tell: impl FnOnce() -> crate::Result<()>) -> Result<(), HostError> {
    match catch_unwind(AssertUnwindSafe(tell)) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(HostError::Error(error)),
        Err(panic) => Err(HostError::Panic(panic)),
    }
}

/// Called when a host function that compiled code has called throws an exception.
pub(super) fn host_throw(store: &mut StoreOpaque) -> Result<(), HostError> {
    let place = Place::here(store);
    let result = guarded(|| debug::at_host_throw(store, &Registers::new(None)));
    place.come_back(store);
    if result.is_err() {
        // What is raised now has been told already.
        store.debugger_mut().skip_trap();
    }
    result
}

/// What sites that are on lead to.
unsafe fn site(frame: &mut HookFrame) -> usize {
    let Some((store, Err(error))) = stopped(frame, debug::at_site) else { return 0 };
    let Some(code) = store.code_at(frame.pc - 1) else { return 0 };
    let raise = code.base() + code.module().raise_stub() as usize;
    store.set_exit(Exit::Host(error));
    // What is raised here has been told already.
    store.debugger_mut().skip_trap();
    raise
}

/// What traps lead to.
unsafe fn trap(frame: &mut HookFrame, code: TrapCode) {
    if let Some((store, Err(error))) =
        stopped(frame, |store, registers| debug::at_trap(store, registers, code))
    {
        store.set_exit(Exit::Host(error));
    }
}
