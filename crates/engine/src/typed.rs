//! Functions whose types the Rust compiler knows.

use crate::caller::Caller;
use crate::func::Func;
use crate::store::StoreOpaque;
use crate::trap::invoke;
use crate::types::{FuncType, HeapType, RefType, ValType};
use crate::val::{ExternRef, V128};
use crate::vm::{HostFunc, Slot};
use crate::{AsContextMut, Result, Val};
use std::marker::PhantomData;
use std::sync::Arc;

/// A Rust type that is a WebAssembly type.
pub trait WasmTy: Sized + Send + Sync + 'static {
    /// The WebAssembly type.
    fn valtype() -> ValType;
    #[doc(hidden)]
    fn load(store: &StoreOpaque, slot: &Slot) -> Self;
    #[doc(hidden)]
    fn save(self, store: &mut StoreOpaque, slot: &mut Slot) -> Result<()>;
}

macro_rules! number {
    ($($ty:ty, $val:ident, $load:expr, $save:expr;)*) => {$(
        impl WasmTy for $ty {
            fn valtype() -> ValType {
                ValType::$val
            }
            #[inline]
            fn load(_: &StoreOpaque, slot: &Slot) -> Self {
                $load(slot)
            }
            #[inline]
            fn save(self, _: &mut StoreOpaque, slot: &mut Slot) -> Result<()> {
                $save(slot, self);
                Ok(())
            }
        }
    )*};
}

number! {
    i32, I32, |slot: &Slot| slot.u32() as i32, |slot: &mut Slot, value| slot.set_u32(value as u32);
    u32, I32, |slot: &Slot| slot.u32(), |slot: &mut Slot, value| slot.set_u32(value);
    i64, I64, |slot: &Slot| slot.u64() as i64, |slot: &mut Slot, value| slot.set_u64(value as u64);
    u64, I64, |slot: &Slot| slot.u64(), |slot: &mut Slot, value| slot.set_u64(value);
    f32, F32, |slot: &Slot| f32::from_bits(slot.u32()), |slot: &mut Slot, value: f32| slot.set_u32(value.to_bits());
    f64, F64, |slot: &Slot| f64::from_bits(slot.u64()), |slot: &mut Slot, value: f64| slot.set_u64(value.to_bits());
    V128, V128, |slot: &Slot| V128::from(slot.u128()), |slot: &mut Slot, value: V128| slot.set_u128(value.as_u128());
}

macro_rules! reference {
    ($($ty:ty, $heap:ident, $variant:ident;)*) => {$(
        impl WasmTy for $ty {
            fn valtype() -> ValType {
                ValType::Ref(RefType { nullable: true, heap: HeapType::$heap })
            }
            fn load(store: &StoreOpaque, slot: &Slot) -> Self {
                match Val::from_slot(store, Self::valtype(), slot) {
                    Val::$variant(value) => value,
                    _ => None,
                }
            }
            fn save(self, store: &mut StoreOpaque, slot: &mut Slot) -> Result<()> {
                *slot = Val::$variant(self).to_slot(store)?;
                Ok(())
            }
        }
    )*};
}

reference! {
    Option<Func>, Func, FuncRef;
    Option<ExternRef>, Extern, ExternRef;
}

/// Parameters: one type, or a tuple of them.
pub trait WasmParams: Send {
    #[doc(hidden)]
    const COUNT: usize;
    #[doc(hidden)]
    fn types() -> Box<[ValType]>;
    #[doc(hidden)]
    fn save(self, store: &mut StoreOpaque, slots: &mut [Slot]) -> Result<()>;
}

/// Results: one type, or a tuple of them.
pub trait WasmResults: WasmParams + Sized {
    #[doc(hidden)]
    fn load(store: &StoreOpaque, slots: &[Slot]) -> Self;
}

impl<A: WasmTy> WasmParams for A {
    const COUNT: usize = 1;
    fn types() -> Box<[ValType]> {
        Box::new([A::valtype()])
    }
    #[inline]
    fn save(self, store: &mut StoreOpaque, slots: &mut [Slot]) -> Result<()> {
        WasmTy::save(self, store, &mut slots[0])
    }
}

impl<A: WasmTy> WasmResults for A {
    #[inline]
    fn load(store: &StoreOpaque, slots: &[Slot]) -> Self {
        <A as WasmTy>::load(store, &slots[0])
    }
}

/// What a host function returns: results, or a `Result` of them.
pub trait WasmRet {
    #[doc(hidden)]
    fn types() -> Box<[ValType]>;
    #[doc(hidden)]
    fn save(self, store: &mut StoreOpaque, slots: &mut [Slot]) -> Result<()>;
}

impl<R: WasmResults> WasmRet for R {
    fn types() -> Box<[ValType]> {
        <R as WasmParams>::types()
    }
    #[inline]
    fn save(self, store: &mut StoreOpaque, slots: &mut [Slot]) -> Result<()> {
        WasmParams::save(self, store, slots)
    }
}

impl<R: WasmResults> WasmRet for Result<R> {
    fn types() -> Box<[ValType]> {
        <R as WasmParams>::types()
    }
    #[inline]
    fn save(self, store: &mut StoreOpaque, slots: &mut [Slot]) -> Result<()> {
        WasmParams::save(self?, store, slots)
    }
}

/// A closure that can be a host function: `Fn(A, B, …) -> R`, or with a
/// [`Caller`] before the parameters.
pub trait IntoFunc<T: 'static, Params, Results>: Send + Sync + 'static {
    #[doc(hidden)]
    fn into_host_func(self) -> Arc<HostFunc>;
}

macro_rules! tuples {
    ($($count:literal: $($name:ident)*;)*) => {$(
        tuples!(@ $count $($name)*);
    )*};
    (@ $count:literal $($name:ident)*) => {
        #[allow(non_snake_case, unused_mut, unused_variables)]
        impl<$($name: WasmTy),*> WasmParams for ($($name,)*) {
            const COUNT: usize = $count;
            fn types() -> Box<[ValType]> {
                Box::new([$($name::valtype()),*])
            }
            #[inline]
            fn save(self, store: &mut StoreOpaque, slots: &mut [Slot]) -> Result<()> {
                let ($($name,)*) = self;
                let mut slots = slots.iter_mut();
                $(WasmTy::save($name, store, slots.next().expect("a slot for each value"))?;)*
                Ok(())
            }
        }

        #[allow(non_snake_case, unused_mut, unused_variables, clippy::unused_unit)]
        impl<$($name: WasmTy),*> WasmResults for ($($name,)*) {
            #[inline]
            fn load(store: &StoreOpaque, slots: &[Slot]) -> Self {
                let mut slots = slots.iter();
                ($(<$name as WasmTy>::load(store, slots.next().expect("a slot for each value")),)*)
            }
        }

        #[allow(non_snake_case, unused_mut, unused_variables)]
        impl<T: 'static, F, R, $($name: WasmTy),*> IntoFunc<T, ($($name,)*), R> for F
        where
            F: Fn($($name),*) -> R + Send + Sync + 'static,
            R: WasmRet,
        {
            fn into_host_func(self) -> Arc<HostFunc> {
                let func = move |_: Caller<'_, T>, $($name: $name),*| self($($name),*);
                <_ as IntoFunc<T, (Caller<'_, T>, $($name),*), R>>::into_host_func(func)
            }
        }

        #[allow(non_snake_case, unused_mut, unused_variables)]
        impl<T: 'static, F, R, $($name: WasmTy),*> IntoFunc<T, (Caller<'_, T>, $($name),*), R> for F
        where
            F: Fn(Caller<'_, T>, $($name),*) -> R + Send + Sync + 'static,
            R: WasmRet,
        {
            fn into_host_func(self) -> Arc<HostFunc> {
                let ty = FuncType { params: Box::new([$($name::valtype()),*]), results: R::types() };
                HostFunc::new(ty, move |mut caller: Caller<'_, T>, slots: &mut [Slot]| {
                    let instance = caller.instance().map(|instance| instance.vm());
                    let result = {
                        let mut store = caller.as_context_mut();
                        let opaque = &*store.opaque();
                        let mut values = slots.iter();
                        $(let $name = <$name as WasmTy>::load(opaque, values.next().expect("a slot for each value"));)*
                        self(Caller::new(store, instance), $($name),*)
                    };
                    result.save(caller.as_context_mut().opaque(), slots)
                })
            }
        }
    };
}

tuples! {
    0: ;
    1: A0;
    2: A0 A1;
    3: A0 A1 A2;
    4: A0 A1 A2 A3;
    5: A0 A1 A2 A3 A4;
    6: A0 A1 A2 A3 A4 A5;
    7: A0 A1 A2 A3 A4 A5 A6;
    8: A0 A1 A2 A3 A4 A5 A6 A7;
    9: A0 A1 A2 A3 A4 A5 A6 A7 A8;
    10: A0 A1 A2 A3 A4 A5 A6 A7 A8 A9;
    11: A0 A1 A2 A3 A4 A5 A6 A7 A8 A9 A10;
    12: A0 A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11;
}

/// A function whose parameters and results have these types.
#[derive(Debug)]
pub struct TypedFunc<Params, Results> {
    func: Func,
    types: PhantomData<fn(Params) -> Results>,
}

impl<Params, Results> Clone for TypedFunc<Params, Results> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Params, Results> Copy for TypedFunc<Params, Results> {}

impl<Params: WasmParams, Results: WasmResults> TypedFunc<Params, Results> {
    pub(crate) fn new(func: Func) -> Self {
        TypedFunc { func, types: PhantomData }
    }

    /// The function.
    pub fn func(&self) -> &Func {
        &self.func
    }

    /// Calls it.
    ///
    /// # Errors
    /// As [`Func::call`].
    #[inline]
    pub fn call(&self, mut store: impl AsContextMut, params: Params) -> Result<Results> {
        let mut store = store.as_context_mut();
        let store = store.opaque();
        let count = Params::COUNT.max(Results::COUNT);
        let mut few = [Slot::default(); 4];
        let mut many;
        let slots = if count <= few.len() {
            &mut few[..]
        } else {
            many = vec![Slot::default(); count];
            &mut many[..]
        };
        params.save(store, slots)?;
        invoke(store, self.func, slots)?;
        Ok(Results::load(store, slots))
    }
}
