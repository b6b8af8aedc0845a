//! The caller of a host function.

use crate::instance::{Instance, InstanceData};
use crate::store::{AsContext, AsContextMut, StoreContext, StoreContextMut};
use crate::vm::VmPtr;
use crate::{Engine, Extern, InterruptSignal};

/// What a host function knows of its caller: the store, and the instance that
/// imported the function.
pub struct Caller<'a, T: 'static> {
    store: StoreContextMut<'a, T>,
    instance: Option<VmPtr<InstanceData>>,
}

impl<'a, T: 'static> Caller<'a, T> {
    pub(crate) fn new(store: StoreContextMut<'a, T>, instance: Option<VmPtr<InstanceData>>) -> Self {
        Caller { store, instance }
    }

    /// The embedder's data.
    pub fn data(&self) -> &T {
        self.store.data()
    }

    /// The embedder's data, to change.
    pub fn data_mut(&mut self) -> &mut T {
        self.store.data_mut()
    }

    /// The engine of the store.
    pub fn engine(&self) -> &Engine {
        self.store.engine()
    }

    /// What tells a function that waits of interrupts.
    pub fn interrupt_signal(&self) -> InterruptSignal {
        InterruptSignal(self.store.as_context().opaque().interrupts().clone())
    }

    /// An export of the instance that imported the function; none if the host called it.
    pub fn get_export(&mut self, name: &str) -> Option<Extern> {
        Instance::from_vm(self.instance?).get_export(&mut self.store, name)
    }

    /// The instance that imported the function; none if the host called it.
    pub fn instance(&self) -> Option<Instance> {
        self.instance.map(Instance::from_vm)
    }
}

impl<T: 'static> AsContext for Caller<'_, T> {
    type Data = T;
    fn as_context(&self) -> StoreContext<'_, T> {
        self.store.as_context()
    }
}

impl<T: 'static> AsContextMut for Caller<'_, T> {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        self.store.reborrow()
    }
}
