//! The operand stack, and how host types stand for values on it.

use crate::value::{FuncAddr, Trap, Value};

/// A type of which a value on the stack can be taken for.
pub(super) trait Operand: Sized {
    fn of(value: Value) -> Self;
}

/// A type that makes a value on the stack.
pub(super) trait Outcome {
    fn value(self) -> Value;
}

macro_rules! operands {
    ($($ty:ty: $variant:ident($bits:ident) = $from:expr, $into:expr;)*) => {$(
        impl Operand for $ty {
            fn of(value: Value) -> Self {
                let Value::$variant($bits) = value else { panic!("{value:?} instead of {}", stringify!($ty)) };
                $from
            }
        }
        impl Outcome for $ty {
            fn value(self) -> Value {
                let $bits = self;
                Value::$variant($into)
            }
        }
    )*};
}

operands! {
    i32: I32(x) = x, x;
    u32: I32(x) = x as u32, x as i32;
    i64: I64(x) = x, x;
    u64: I64(x) = x as u64, x as i64;
    f32: F32(x) = f32::from_bits(x), x.to_bits();
    f64: F64(x) = f64::from_bits(x), x.to_bits();
    u128: V128(x) = x, x;
    Option<FuncAddr>: Func(x) = x, x;
}

/// Comparisons give 1 or 0.
impl Outcome for bool {
    fn value(self) -> Value {
        Value::I32(i32::from(self))
    }
}

/// The operands of a frame.
#[derive(Clone, Debug, Default)]
pub(super) struct Operands(pub Vec<Value>);

impl Operands {
    pub fn pop(&mut self) -> Value {
        self.0.pop().expect("validated code has operands")
    }

    pub fn take<T: Operand>(&mut self) -> T {
        T::of(self.pop())
    }

    pub fn push(&mut self, outcome: impl Outcome) {
        self.0.push(outcome.value());
    }

    /// The last `count` operands, in the order they were pushed.
    pub fn pop_many(&mut self, count: usize) -> Vec<Value> {
        self.0.split_off(self.0.len() - count)
    }

    /// An address, index or length: an `i32` without sign, or an `i64` without sign.
    pub fn pop_index(&mut self) -> u64 {
        match self.pop() {
            Value::I32(x) => u64::from(x as u32),
            Value::I64(x) => x as u64,
            other => panic!("{other:?} as an index"),
        }
    }

    pub fn unary<A: Operand, R: Outcome>(&mut self, f: impl FnOnce(A) -> R) -> Result<(), Trap> {
        let x = self.take();
        self.push(f(x));
        Ok(())
    }

    pub fn binary<A: Operand, R: Outcome>(&mut self, f: impl FnOnce(A, A) -> R) -> Result<(), Trap> {
        let y = self.take();
        let x = self.take();
        self.push(f(x, y));
        Ok(())
    }

    pub fn ternary<A: Operand, R: Outcome>(&mut self, f: impl FnOnce(A, A, A) -> R) -> Result<(), Trap> {
        let z = self.take();
        let y = self.take();
        let x = self.take();
        self.push(f(x, y, z));
        Ok(())
    }

    /// As [`Operands::unary`], for what can trap.
    pub fn try_unary<A: Operand, R: Outcome>(
        &mut self,
        f: impl FnOnce(A) -> Result<R, Trap>,
    ) -> Result<(), Trap> {
        let x = self.take();
        self.push(f(x)?);
        Ok(())
    }

    /// As [`Operands::binary`], for what can trap.
    pub fn try_binary<A: Operand, R: Outcome>(
        &mut self,
        f: impl FnOnce(A, A) -> Result<R, Trap>,
    ) -> Result<(), Trap> {
        let y = self.take();
        let x = self.take();
        self.push(f(x, y)?);
        Ok(())
    }
}
