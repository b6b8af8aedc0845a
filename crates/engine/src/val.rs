//! Values of any type, and references.

use crate::func::Func;
use crate::store::StoreOpaque;
use crate::types::{HeapType, RefType, ValType, ref_matches};
use crate::vm::exception::ExceptionId;
use crate::vm::{Slot, StoreId};
use crate::{AsContext, AsContextMut, Result};
use anyhow::{anyhow, bail, ensure};
use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// 128 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct V128(u128);

impl V128 {
    /// The bits, lane 0 lowest.
    pub fn as_u128(self) -> u128 {
        self.0
    }
}

impl From<u128> for V128 {
    fn from(bits: u128) -> Self {
        V128(bits)
    }
}

/// A reference to an object of the host, which the store keeps until it is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExternRef {
    store: StoreId,
    handle: u64,
}

impl ExternRef {
    /// A reference to `object`, which the store keeps until it is dropped.
    pub fn new<O: Any + Send + Sync>(mut store: impl AsContextMut, object: O) -> Self {
        let mut store = store.as_context_mut();
        let store = store.opaque();
        ExternRef { store: store.id(), handle: store.push_extern(Box::new(object)) }
    }

    /// The object.
    ///
    /// # Panics
    /// If the reference is of another store.
    pub fn data<'a, T: 'static>(
        &self,
        store: impl Into<crate::StoreContext<'a, T>>,
    ) -> &'a (dyn Any + Send + Sync) {
        let store = store.into().opaque();
        assert!(self.store == store.id(), "a reference was used with a store that does not own it");
        store.extern_object(self.handle).expect("objects live as long as their store")
    }
}

/// A reference to an exception.
///
/// A store keeps an exception as long as WebAssembly can reach it. It also keeps the 1,024 that
/// it has handed to the host last, so that a reference can be used for a while without care;
/// [`ExnRef::to_owned`] keeps one for longer. A reference to an exception that is not there any more
/// is an error where it is used, and never another exception.
///
/// ```
/// use sidetrack_engine::{Engine, Instance, Module, Store, ThrownException, Val};
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"(module (tag $t (param i32))
///     (func (export "throw") (throw $t (i32.const 7)))
///     (func (export "again") (param exnref) (throw_ref (local.get 0))))"#)?;
/// let mut store = Store::new(&engine, ());
/// let instance = Instance::new(&mut store, &module, &[])?;
/// let throw = instance.get_func(&mut store, "throw").unwrap();
/// let error = throw.call(&mut store, &[], &mut []).unwrap_err();
/// let exception = error.downcast_ref::<ThrownException>().unwrap().exception();
/// let kept = exception.to_owned(&store)?;
/// let again = instance.get_func(&mut store, "again").unwrap();
/// let error = again.call(&mut store, &[Val::ExnRef(Some(kept.exception()))], &mut []).unwrap_err();
/// let thrown = error.downcast_ref::<ThrownException>().unwrap();
/// assert_eq!(thrown.values(&mut store)[0].unwrap_i32(), 7);
/// # Ok::<(), sidetrack_engine::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ExnRef {
    store: StoreId,
    id: ExceptionId,
}

/// A reference to an exception that keeps it, as long as its store lives.
#[derive(Clone, Debug)]
pub struct OwnedExnRef {
    exception: ExnRef,
    _kept: Arc<()>,
}

impl OwnedExnRef {
    /// The reference.
    pub fn exception(&self) -> ExnRef {
        self.exception
    }
}

impl fmt::Debug for ExnRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exception {}", self.id.number)
    }
}

impl ExnRef {
    /// The exception that a reference in compiled code is to; none for null.
    pub(crate) fn from_raw(store: &StoreOpaque, address: u64) -> Option<Self> {
        Some(ExnRef { store: store.id(), id: store.exceptions().hand_out(address)? })
    }

    /// The reference to it in compiled code.
    ///
    /// # Errors
    /// If it is of another store, or not there any more.
    pub(crate) fn raw(self, store: &StoreOpaque) -> Result<u64> {
        ensure!(self.store == store.id(), "an exception of another store");
        let address = store.exceptions().address(self.id);
        address.ok_or_else(|| anyhow!("the {self:?} is not there any more"))
    }

    /// A reference that keeps the exception.
    ///
    /// # Errors
    /// If it is of another store, or not there any more.
    pub fn to_owned(self, store: impl AsContext) -> Result<OwnedExnRef> {
        let store = store.as_context().opaque();
        let address = self.raw(store)?;
        let kept = store.exceptions().keep(address);
        let kept = kept.ok_or_else(|| anyhow!("the {self:?} is not there any more"))?;
        Ok(OwnedExnRef { exception: self, _kept: kept })
    }

    /// The values it carries; none if it is not there any more.
    ///
    /// # Panics
    /// If the exception is of another store.
    pub fn values(&self, mut store: impl AsContextMut) -> Vec<Val> {
        let mut store = store.as_context_mut();
        let store = store.opaque();
        let Some(address) = self.checked(store) else { return Vec::new() };
        let exceptions = store.exceptions();
        let Some(tag) = exceptions.tag(address) else { return Vec::new() };
        let types = tag.get(store).ty.params.iter().enumerate();
        let value = |(index, ty): (usize, &ValType)| {
            exceptions.value(address, index).map(|slot| Val::from_slot(store, *ty, &slot))
        };
        types.filter_map(value).collect()
    }

    /// Its tag, if it is still there.
    ///
    /// # Panics
    /// If the exception is of another store.
    pub fn tag(&self, store: impl AsContext) -> Option<crate::Tag> {
        let store = store.as_context().opaque();
        store.exceptions().tag(self.checked(store)?).map(crate::Tag::from_vm)
    }

    fn checked(&self, store: &StoreOpaque) -> Option<u64> {
        assert!(self.store == store.id(), "an exception was used with a store that does not own it");
        store.exceptions().address(self.id)
    }
}

/// A value of any type.
#[derive(Clone, Copy, Debug)]
pub enum Val {
    /// An `i32`.
    I32(i32),
    /// An `i64`.
    I64(i64),
    /// The bits of an `f32`.
    F32(u32),
    /// The bits of an `f64`.
    F64(u64),
    /// A `v128`.
    V128(V128),
    /// A function reference; `None` is null.
    FuncRef(Option<Func>),
    /// A reference to a host object; `None` is null.
    ExternRef(Option<ExternRef>),
    /// A reference to an exception; `None` is null.
    ExnRef(Option<ExnRef>),
}

impl Val {
    /// The type; of a reference the most general one.
    pub fn ty(&self) -> ValType {
        match self {
            Val::I32(_) => ValType::I32,
            Val::I64(_) => ValType::I64,
            Val::F32(_) => ValType::F32,
            Val::F64(_) => ValType::F64,
            Val::V128(_) => ValType::V128,
            Val::FuncRef(func) => ValType::Ref(RefType { nullable: func.is_none(), heap: HeapType::Func }),
            Val::ExternRef(object) => {
                ValType::Ref(RefType { nullable: object.is_none(), heap: HeapType::Extern })
            }
            Val::ExnRef(exception) => {
                ValType::Ref(RefType { nullable: exception.is_none(), heap: HeapType::Exn })
            }
        }
    }

    /// The value 0 or null of a type; none for a reference that cannot be null.
    pub fn default_for_ty(ty: ValType) -> Option<Val> {
        Some(match ty {
            ValType::I32 => Val::I32(0),
            ValType::I64 => Val::I64(0),
            ValType::F32 => Val::F32(0),
            ValType::F64 => Val::F64(0),
            ValType::V128 => Val::V128(V128(0)),
            ValType::Ref(ty) if !ty.nullable => return None,
            ValType::Ref(ty) => Val::null_ref(ty.heap),
        })
    }

    /// The null reference of a type.
    pub fn null_ref(heap: HeapType) -> Val {
        match heap {
            HeapType::Func | HeapType::Concrete(_) | HeapType::NoFunc => Val::FuncRef(None),
            HeapType::Extern | HeapType::NoExtern => Val::ExternRef(None),
            HeapType::Exn | HeapType::NoExn => Val::ExnRef(None),
        }
    }

    /// Whether a value of type `ty` is asked for and this is one.
    pub(crate) fn fits(&self, ty: ValType) -> bool {
        match (self.ty(), ty) {
            (ValType::Ref(actual), ValType::Ref(wanted)) => {
                let null = matches!(self, Val::FuncRef(None) | Val::ExternRef(None) | Val::ExnRef(None));
                let same = matches!(
                    (actual.heap, wanted.heap),
                    (HeapType::Func, HeapType::Func | HeapType::NoFunc | HeapType::Concrete(_))
                        | (HeapType::Extern, HeapType::Extern | HeapType::NoExtern)
                        | (HeapType::Exn, HeapType::Exn | HeapType::NoExn)
                );
                if null { same && wanted.nullable } else { ref_matches(actual, wanted) }
            }
            (actual, wanted) => actual == wanted,
        }
    }

    pub(crate) fn to_slot(self, store: &mut StoreOpaque) -> Result<Slot> {
        let mut slot = Slot::default();
        let foreign = |owner: StoreId| owner != store.id();
        match self {
            Val::I32(value) => slot.set_u32(value as u32),
            Val::I64(value) => slot.set_u64(value as u64),
            Val::F32(bits) => slot.set_u32(bits),
            Val::F64(bits) => slot.set_u64(bits),
            Val::V128(V128(bits)) => slot.set_u128(bits),
            Val::FuncRef(None) | Val::ExternRef(None) | Val::ExnRef(None) => {}
            Val::FuncRef(Some(func)) => slot.set_u64(func.to_raw(store)?),
            Val::ExternRef(Some(object)) if foreign(object.store) => bail!("a reference of another store"),
            Val::ExternRef(Some(object)) => slot.set_u64(object.handle),
            Val::ExnRef(Some(exception)) => slot.set_u64(exception.raw(store)?),
        }
        Ok(slot)
    }

    pub(crate) fn from_slot(store: &StoreOpaque, ty: ValType, slot: &Slot) -> Val {
        match ty {
            ValType::I32 => Val::I32(slot.u32() as i32),
            ValType::I64 => Val::I64(slot.u64() as i64),
            ValType::F32 => Val::F32(slot.u32()),
            ValType::F64 => Val::F64(slot.u64()),
            ValType::V128 => Val::V128(V128(slot.u128())),
            ValType::Ref(ty) => {
                let (raw, id) = (slot.u64(), store.id());
                match Val::null_ref(ty.heap) {
                    Val::ExternRef(_) => {
                        Val::ExternRef((raw != 0).then_some(ExternRef { store: id, handle: raw }))
                    }
                    Val::ExnRef(_) => Val::ExnRef(ExnRef::from_raw(store, raw)),
                    _ => Val::FuncRef(Func::from_raw(store, raw)),
                }
            }
        }
    }
}

macro_rules! accessors {
    ($($name:ident $unwrap:ident $variant:ident $ty:ty, $convert:expr;)*) => {
        impl Val {$(
            /// The value if it is of this type.
            pub fn $name(&self) -> Option<$ty> {
                match self {
                    Val::$variant(value) => Some($convert(*value)),
                    _ => None,
                }
            }

            /// The value.
            ///
            /// # Panics
            /// If it is not of this type.
            pub fn $unwrap(&self) -> $ty {
                self.$name().unwrap_or_else(|| panic!("{self:?} is no {}", stringify!($variant)))
            }
        )*}
    };
}

accessors! {
    i32 unwrap_i32 I32 i32, |value| value;
    i64 unwrap_i64 I64 i64, |value| value;
    f32 unwrap_f32 F32 f32, f32::from_bits;
    f64 unwrap_f64 F64 f64, f64::from_bits;
    v128 unwrap_v128 V128 V128, |value| value;
}

macro_rules! from {
    ($($ty:ty, $value:ident => $val:expr;)*) => {$(
        impl From<$ty> for Val {
            fn from($value: $ty) -> Val {
                $val
            }
        }
    )*};
}

from! {
    i32, value => Val::I32(value);
    i64, value => Val::I64(value);
    f32, value => Val::F32(value.to_bits());
    f64, value => Val::F64(value.to_bits());
    V128, value => Val::V128(value);
    Func, value => Val::FuncRef(Some(value));
    Option<Func>, value => Val::FuncRef(value);
    ExternRef, value => Val::ExternRef(Some(value));
}
