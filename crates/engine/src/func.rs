//! Functions, as embedders see them.

use crate::caller::Caller;
use crate::store::StoreOpaque;
use crate::trap::invoke;
use crate::typed::{IntoFunc, TypedFunc, WasmParams, WasmResults};
use crate::types::FuncType;
use crate::vm::{FuncRecord, HostFunc, Slot, VmPtr, context};
use crate::{AsContext, AsContextMut, Result, Val};
use anyhow::{bail, ensure};
use std::sync::Arc;

/// A function in a store: of an instance, or of the host.
///
/// ```
/// use sidetrack_engine::{Engine, Func, Instance, Module, Store};
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"(module
///     (import "" "add" (func $add (param i32 i32) (result i32)))
///     (func (export "three") (result i32) (call $add (i32.const 1) (i32.const 2))))"#)?;
/// let mut store = Store::new(&engine, ());
/// let add = Func::wrap(&mut store, |a: i32, b: i32| a + b);
/// let instance = Instance::new(&mut store, &module, &[add.into()])?;
/// let three = instance.get_typed_func::<(), i32>(&mut store, "three")?;
/// assert_eq!(three.call(&mut store, ())?, 3);
/// # Ok::<(), sidetrack_engine::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Func(VmPtr<FuncRecord>);

impl Func {
    /// A host function of type `ty`; the closure gets its arguments and writes its results.
    pub fn new<T: 'static>(
        mut store: impl AsContextMut<Data = T>,
        ty: FuncType,
        func: impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        let func = host_func_of(ty, func);
        Self::of_host(store.as_context_mut().opaque(), &func)
    }

    /// A host function of a closure whose type says its parameters and results.
    pub fn wrap<T: 'static, Params, Results>(
        mut store: impl AsContextMut<Data = T>,
        func: impl IntoFunc<T, Params, Results>,
    ) -> Self {
        let func = func.into_host_func();
        Self::of_host(store.as_context_mut().opaque(), &func)
    }

    pub(crate) fn of_host(store: &mut StoreOpaque, func: &Arc<HostFunc>) -> Self {
        Func(store.host_record(func))
    }

    pub(crate) fn from_vm(record: VmPtr<FuncRecord>) -> Self {
        Func(record)
    }

    pub(crate) fn record(self) -> VmPtr<FuncRecord> {
        self.0
    }

    /// The reference to it in compiled code.
    pub(crate) fn to_raw(self, store: &mut StoreOpaque) -> Result<u64> {
        ensure!(self.0.store() == store.id(), "a function of another store");
        store.make_callable(self.0)?;
        Ok(self.0.address(store.id()).as_ptr() as u64)
    }

    /// The function that a reference in compiled code refers to.
    pub(crate) fn from_raw(store: &StoreOpaque, raw: u64) -> Option<Self> {
        context::record_at(store, raw).map(Func)
    }

    /// Its type.
    pub fn ty(&self, store: impl AsContext) -> FuncType {
        self.func_type(store.as_context().opaque())
    }

    pub(crate) fn func_type(self, store: &StoreOpaque) -> FuncType {
        store.engine().types().ty(context::type_id(store, self.0))
    }

    /// Calls it. `results` must have room for each result.
    ///
    /// # Errors
    /// A wrong number or type of arguments, a wrong number of results; a [`crate::Trap`]
    /// or a [`crate::ThrownException`] with its [`crate::WasmBacktrace`]; whatever a host
    /// function that it calls returns.
    pub fn call(&self, mut store: impl AsContextMut, params: &[Val], results: &mut [Val]) -> Result<()> {
        let mut store = store.as_context_mut();
        let store = store.opaque();
        let ty = self.func_type(store);
        if params.len() != ty.params.len() {
            bail!("expected {} arguments, got {}", ty.params.len(), params.len());
        }
        if results.len() != ty.results.len() {
            bail!("expected {} results, got {}", ty.results.len(), results.len());
        }
        let mut slots = vec![Slot::default(); params.len().max(results.len())];
        for (number, (value, ty)) in params.iter().zip(&ty.params).enumerate() {
            ensure!(value.fits(*ty), "argument {number} must be of type {ty}, not {}", value.ty());
            slots[number] = value.to_slot(store)?;
        }
        invoke(store, *self, &mut slots)?;
        for ((result, ty), slot) in results.iter_mut().zip(&ty.results).zip(&slots) {
            *result = Val::from_slot(store, *ty, slot);
        }
        Ok(())
    }

    /// The function with its type known to the compiler, which makes calls cheap.
    ///
    /// # Errors
    /// If its type is another one.
    pub fn typed<Params: WasmParams, Results: WasmResults>(
        &self,
        store: impl AsContext,
    ) -> Result<TypedFunc<Params, Results>> {
        let ty = self.func_type(store.as_context().opaque());
        let wanted = FuncType { params: Params::types(), results: Results::types() };
        ensure!(ty == wanted, "the function has type {ty}, not {wanted}");
        Ok(TypedFunc::new(*self))
    }
}

/// A host function of a closure on values.
pub(crate) fn host_func_of<T: 'static>(
    ty: FuncType,
    func: impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<()> + Send + Sync + 'static,
) -> Arc<HostFunc> {
    let inner = ty.clone();
    HostFunc::new(ty, move |mut caller: Caller<'_, T>, slots: &mut [Slot]| {
        let mut store = caller.as_context_mut();
        let opaque = &*store.opaque();
        let values = inner.params.iter().zip(&*slots);
        let params: Vec<Val> = values.map(|(ty, slot)| Val::from_slot(opaque, *ty, slot)).collect();
        let defaults = inner.results.iter().map(|ty| Val::default_for_ty(*ty).unwrap_or(Val::FuncRef(None)));
        let mut results: Vec<Val> = defaults.collect();
        let instance = caller.instance().map(|instance| instance.vm());
        func(Caller::new(caller.as_context_mut(), instance), &params, &mut results)?;
        let mut store = caller.as_context_mut();
        let opaque = store.opaque();
        for (number, ((value, ty), slot)) in results.iter().zip(&inner.results).zip(slots).enumerate() {
            ensure!(value.fits(*ty), "result {number} of a host function must be of type {ty}");
            *slot = value.to_slot(opaque)?;
        }
        Ok(())
    })
}
