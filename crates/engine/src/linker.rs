//! Linkers: imports found by name.

use crate::caller::Caller;
use crate::externs::{Extern, check};
use crate::func::{Func, host_func_of};
use crate::instance::Instance;
use crate::module::Module;
use crate::names::Printable;
use crate::store::StoreOpaque;
use crate::typed::IntoFunc;
use crate::types::{ExternType, FuncType, ValType};
use crate::vm::HostFunc;
use crate::{AsContext, AsContextMut, Engine, Global, Memory, Result, Table, Tag, Val};
use anyhow::{Context as _, anyhow, bail, ensure};
use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

/// What a name stands for.
#[derive(Clone, Debug)]
enum Definition {
    /// Something of one store.
    Extern(Extern),
    /// A host function, for any store.
    Host(Arc<HostFunc>),
}

/// Finds what modules import by name.
///
/// ```
/// use sidetrack_engine::{Engine, Linker, Module, Store};
/// let engine = Engine::default();
/// let mut linker = Linker::new(&engine);
/// linker.func_wrap("host", "twice", |x: i32| x * 2)?;
/// let module = Module::new(&engine, r#"(module
///     (import "host" "twice" (func $twice (param i32) (result i32)))
///     (func (export "run") (result i32) (call $twice (i32.const 21))))"#)?;
/// let mut store = Store::new(&engine, ());
/// let instance = linker.instantiate(&mut store, &module)?;
/// let run = instance.get_typed_func::<(), i32>(&mut store, "run")?;
/// assert_eq!(run.call(&mut store, ())?, 42);
/// # Ok::<(), sidetrack_engine::Error>(())
/// ```
pub struct Linker<T: 'static> {
    engine: Engine,
    /// By module, then by name.
    definitions: HashMap<String, HashMap<String, Definition>>,
    shadowing: bool,
    /// Its functions take stores of data T and no other, and they can be added for such and
    /// called with such alone: invariant in T.
    data: PhantomData<fn(T) -> T>,
}

impl<T: 'static> Clone for Linker<T> {
    fn clone(&self) -> Self {
        Linker {
            engine: self.engine.clone(),
            definitions: self.definitions.clone(),
            shadowing: self.shadowing,
            data: PhantomData,
        }
    }
}

impl<T: 'static> fmt::Debug for Linker<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Linker").field("definitions", &self.definitions).finish_non_exhaustive()
    }
}

impl<T: 'static> Linker<T> {
    /// A linker that knows no names.
    pub fn new(engine: &Engine) -> Self {
        Linker { engine: engine.clone(), definitions: HashMap::new(), shadowing: false, data: PhantomData }
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Whether a name may be defined again.
    pub fn allow_shadowing(&mut self, allow: bool) -> &mut Self {
        self.shadowing = allow;
        self
    }

    fn insert(&mut self, module: &str, name: &str, definition: Definition) -> Result<&mut Self> {
        let names = self.definitions.entry(module.to_string()).or_default();
        if !self.shadowing && names.contains_key(name) {
            let (module, name) = (Printable::name(module), Printable::name(name));
            bail!("import of `{module}::{name}` defined twice");
        }
        names.insert(name.to_string(), definition);
        Ok(self)
    }

    /// Defines a name as something of a store.
    ///
    /// # Errors
    /// If the name is defined already.
    pub fn define(
        &mut self,
        _store: impl AsContext<Data = T>,
        module: &str,
        name: &str,
        item: impl Into<Extern>,
    ) -> Result<&mut Self> {
        self.insert(module, name, Definition::Extern(item.into()))
    }

    /// Defines a name as a host function of type `ty`, see [`Func::new`].
    ///
    /// # Errors
    /// If the name is defined already.
    pub fn func_new(
        &mut self,
        module: &str,
        name: &str,
        ty: FuncType,
        func: impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<()> + Send + Sync + 'static,
    ) -> Result<&mut Self> {
        self.insert(module, name, Definition::Host(host_func_of(ty, func)))
    }

    /// Defines a name as a host function, see [`Func::wrap`].
    ///
    /// # Errors
    /// If the name is defined already.
    pub fn func_wrap<Params, Results>(
        &mut self,
        module: &str,
        name: &str,
        func: impl IntoFunc<T, Params, Results>,
    ) -> Result<&mut Self> {
        self.insert(module, name, Definition::Host(func.into_host_func()))
    }

    /// Defines the exports of an instance under the module name `module`.
    ///
    /// # Errors
    /// If one of the names is defined already.
    pub fn instance(
        &mut self,
        mut store: impl AsContextMut<Data = T>,
        module: &str,
        instance: Instance,
    ) -> Result<&mut Self> {
        for (name, item) in instance.exports(&mut store) {
            self.insert(module, &name, Definition::Extern(item))?;
        }
        Ok(self)
    }

    /// Instantiates a module and defines its exports under `name`.
    ///
    /// # Errors
    /// As [`Linker::instantiate`] and [`Linker::instance`].
    pub fn module(
        &mut self,
        mut store: impl AsContextMut<Data = T>,
        name: &str,
        module: &Module,
    ) -> Result<&mut Self> {
        let instance = self.instantiate(&mut store, module)?;
        self.instance(store, name, instance)
    }

    /// Makes the names of one module known under another one as well.
    ///
    /// # Errors
    /// If the first is not known, or a name is defined already.
    pub fn alias_module(&mut self, module: &str, as_module: &str) -> Result<&mut Self> {
        let names = self.definitions.get(module).cloned();
        for (name, definition) in names.ok_or_else(|| anyhow!("no module named `{module}` is defined"))? {
            self.insert(as_module, &name, definition)?;
        }
        Ok(self)
    }

    /// Defines each function that the module imports and that has no definition as one
    /// that fails when it is called.
    ///
    /// # Errors
    /// None today.
    pub fn define_unknown_imports_as_traps(&mut self, module: &Module) -> Result<()> {
        for import in module.imports() {
            let (from, name) = (import.module().to_string(), import.name().to_string());
            let known = self.definitions.get(&from).is_some_and(|names| names.contains_key(&name));
            if let (false, ExternType::Func(ty)) = (known, import.ty()) {
                let message = format!("unknown import: {} has not been defined", import.path());
                self.func_new(&from, &name, ty, move |_, _, _| Err(anyhow!("{message}")))?;
            }
        }
        Ok(())
    }

    /// Defines everything that the module imports and that has no definition: functions return
    /// zeros and nulls; globals are zero, memories and tables as small as they may be.
    ///
    /// # Errors
    /// If a result or a global cannot be zero or null, or there is no room in the store.
    pub fn define_unknown_imports_as_default_values(
        &mut self,
        mut store: impl AsContextMut<Data = T>,
        module: &Module,
    ) -> Result<()> {
        let zero = |ty| Val::default_for_ty(ty).ok_or_else(|| anyhow!("{ty} has no default value"));
        for import in module.imports() {
            let (from, name) = (import.module(), import.name());
            if self.definitions.get(from).is_some_and(|names| names.contains_key(name)) {
                continue;
            }
            let of = || format!("import {}", import.path());
            let item = match import.ty() {
                ExternType::Func(ty) => {
                    let values: Vec<Val> =
                        ty.results.iter().map(|ty| zero(*ty)).collect::<Result<_>>().with_context(of)?;
                    self.func_new(from, name, ty, move |_, _, results| {
                        results.copy_from_slice(&values);
                        Ok(())
                    })?;
                    continue;
                }
                ExternType::Global(ty) => {
                    let value = zero(ty.content).with_context(of)?;
                    Extern::Global(Global::new(&mut store, ty, value).with_context(of)?)
                }
                ExternType::Memory(ty) => Extern::Memory(Memory::new(&mut store, ty).with_context(of)?),
                ExternType::Table(ty) => {
                    let value = zero(ValType::Ref(ty.element)).with_context(of)?;
                    Extern::Table(Table::new(&mut store, ty, value).with_context(of)?)
                }
                ExternType::Tag(ty) => Extern::Tag(Tag::new(&mut store, &ty).with_context(of)?),
            };
            self.insert(from, name, Definition::Extern(item))?;
        }
        Ok(())
    }

    fn find(&self, store: &mut StoreOpaque, module: &str, name: &str) -> Option<Extern> {
        match self.definitions.get(module)?.get(name)? {
            Definition::Extern(item) => Some(*item),
            Definition::Host(func) => Some(Extern::Func(Func::of_host(store, func))),
        }
    }

    /// What a name is defined as.
    pub fn get(&self, mut store: impl AsContextMut<Data = T>, module: &str, name: &str) -> Option<Extern> {
        self.find(store.as_context_mut().opaque(), module, name)
    }

    /// Makes an instance of a module with the imports that it names.
    ///
    /// # Errors
    /// If an import is not defined or not what the module asks for; as [`Instance::new`].
    pub fn instantiate(&self, mut store: impl AsContextMut<Data = T>, module: &Module) -> Result<Instance> {
        let mut store = store.as_context_mut();
        let store = store.opaque();
        ensure!(Engine::same(&self.engine, store.engine()), "the linker is of another engine than the store");
        let mut imports = Vec::with_capacity(module.imports().len());
        for import in module.imports() {
            let item = self
                .find(store, import.module(), import.name())
                .ok_or_else(|| anyhow!("unknown import: {} has not been defined", import.path()))?;
            check(store, item, &import.ty())
                .with_context(|| format!("incompatible import type for {}", import.path()))?;
            imports.push(item);
        }
        Instance::with_checked_imports(store, module, &imports)
    }
}
