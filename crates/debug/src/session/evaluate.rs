//! What expressions are worth.
//!
//! Nothing is guessed: a value that is not available, an access outside of a memory, a
//! division by zero, a number of more than 128 bits are errors.

use super::expression::{Binary, Expr, Place, Unary, Unit};
use super::target::Target;
use anyhow::{Context as _, bail};
use sidetrack_engine::debug::Value as Bits;
use sidetrack_engine::{Instance, Result, Val, ValType};
use std::fmt;

/// What an expression is worth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// An integer; true is 1, false 0.
    Int(i128),
    /// A float.
    Float(f64),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Int(value) => value.fmt(f),
            Value::Float(value) => write!(f, "{value:?}"),
        }
    }
}

impl Value {
    /// Whether it is neither zero nor NaN.
    pub fn holds(self) -> bool {
        match self {
            Value::Int(value) => value != 0,
            Value::Float(value) => value != 0.0 && !value.is_nan(),
        }
    }

    fn float(self) -> f64 {
        match self {
            Value::Int(value) => value as f64,
            Value::Float(value) => value,
        }
    }

    /// What a local, a global or an operand is worth. Vectors are all bits, references
    /// their address or handle.
    fn of(ty: ValType, bits: u128) -> Value {
        match ty {
            ValType::I32 => Value::Int((bits as i32).into()),
            ValType::I64 => Value::Int((bits as i64).into()),
            ValType::F32 => Value::Float(f32::from_bits(bits as u32).into()),
            ValType::F64 => Value::Float(f64::from_bits(bits as u64)),
            ValType::V128 => Value::Int(bits as i128),
            ValType::Ref(_) => Value::Int((bits as u64).into()),
        }
    }

    /// The value as one of type `ty`.
    ///
    /// # Errors
    /// If it is none; references can only be null, which is 0.
    pub fn val(self, ty: ValType) -> Result<Val> {
        Ok(match (ty, self) {
            (ValType::I32, Value::Int(value)) => Val::I32(integer(value, 4)? as i32),
            (ValType::I64, Value::Int(value)) => Val::I64(integer(value, 8)? as i64),
            (ValType::F32, value) => Val::F32((value.float() as f32).to_bits()),
            (ValType::F64, value) => Val::F64(value.float().to_bits()),
            (ValType::V128, Value::Int(value)) => Val::V128((value as u128).into()),
            (ValType::Ref(ty), Value::Int(0)) if ty.nullable => Val::null_ref(ty.heap),
            (ty, value) => bail!("{value} is no {ty}"),
        })
    }

    /// The bytes of the value as they are in a memory.
    ///
    /// # Errors
    /// If it does not fit.
    pub fn bytes(self, unit: Unit) -> Result<Vec<u8>> {
        Ok(match (unit, self) {
            (Unit::Float { bytes: 4 }, value) => (value.float() as f32).to_le_bytes().into(),
            (Unit::Float { .. }, value) => value.float().to_le_bytes().into(),
            (Unit::Int { bytes, .. }, Value::Int(value)) => {
                integer(value, bytes)?.to_le_bytes()[..bytes].into()
            }
            (Unit::Int { .. }, value) => bail!("{value} is no integer"),
        })
    }
}

/// The bits of an integer, signed or unsigned, in so many bytes.
fn integer(value: i128, bytes: usize) -> Result<u128> {
    let bits = bytes as u32 * 8;
    if value < -(1 << (bits - 1)) || value >= 1 << bits {
        bail!("{value} does not fit in {bits} bits");
    }
    Ok(value as u128 & ((1 << bits) - 1))
}

/// A frame of the stopped program, in which names have their meaning.
pub struct Scope<'a> {
    /// The program.
    pub target: &'a mut dyn Target,
    /// The frame's instance, if it is known.
    pub instance: Option<Instance>,
    /// Its locals.
    pub locals: &'a [(ValType, Bits)],
    /// Its operands, bottom first.
    pub stack: &'a [(ValType, Bits)],
    /// Its wasm pc.
    pub pc: u32,
}

impl Scope<'_> {
    /// The instance that memories and globals are of.
    ///
    /// # Errors
    /// If it is not known.
    pub fn instance(&self) -> Result<Instance> {
        self.instance.context("the frame's instance is not known")
    }

    /// Reads a place.
    ///
    /// # Errors
    /// If it is not there or not available.
    pub fn read(&mut self, place: &Place) -> Result<Value> {
        let known = |what: &str, index: u32, found: Option<&(ValType, Bits)>| {
            let (ty, bits) = found.with_context(|| format!("there is no {what}{index}"))?;
            let bits = bits.with_context(|| format!("{what}{index} is not available here"))?;
            Ok(Value::of(*ty, bits))
        };
        match place {
            Place::Local(index) => known("local", *index, self.locals.get(*index as usize)),
            Place::Stack(index) => known("stack", *index, self.stack.iter().rev().nth(*index as usize)),
            Place::Pc => Ok(Value::Int(self.pc.into())),
            Place::Global(index) => {
                let found = self.instance().map(|instance| self.target.global(instance, *index))?;
                let (ty, bits) = found.with_context(|| format!("there is no global{index}"))?;
                Ok(Value::of(ty, bits))
            }
            Place::Memory { memory, unit, address } => {
                let address = self.address(address)?;
                let instance = self.instance()?;
                let mut bytes = [0; 8];
                let len = match *unit {
                    Unit::Int { bytes, .. } | Unit::Float { bytes } => bytes,
                };
                self.target.read_memory(instance, *memory, address, &mut bytes[..len])?;
                Ok(in_memory(*unit, bytes))
            }
        }
    }

    /// What an expression is worth.
    ///
    /// # Errors
    /// If that is not known.
    pub fn evaluate(&mut self, expr: &Expr) -> Result<Value> {
        evaluate(expr, &mut |place| self.read(place))
    }

    /// What an expression is worth as an address: a 32-bit one may be written as the negative
    /// number that a local has.
    ///
    /// # Errors
    /// If it is none.
    pub fn address(&mut self, expr: &Expr) -> Result<u64> {
        match self.evaluate(expr)? {
            Value::Int(value) if (i32::MIN.into()..0).contains(&value) => Ok((value as i32 as u32).into()),
            Value::Int(value) => u64::try_from(value).ok().with_context(|| format!("{value} is no address")),
            Value::Float(value) => bail!("{value:?} is no address"),
        }
    }
}

/// What an expression is worth, given what reads places.
///
/// # Errors
/// If that is not known.
pub fn evaluate(expr: &Expr, read: &mut dyn FnMut(&Place) -> Result<Value>) -> Result<Value> {
    match expr {
        Expr::Int(value) => Ok(Value::Int(*value)),
        Expr::Float(value) => Ok(Value::Float(*value)),
        Expr::Place(place) => read(place),
        Expr::Unary(operator, operand) => unary(*operator, evaluate(operand, read)?),
        Expr::Binary(Binary::LogicalAnd, left, right) => {
            let holds = evaluate(left, read)?.holds() && evaluate(right, read)?.holds();
            Ok(Value::Int(holds.into()))
        }
        Expr::Binary(Binary::LogicalOr, left, right) => {
            let holds = evaluate(left, read)?.holds() || evaluate(right, read)?.holds();
            Ok(Value::Int(holds.into()))
        }
        Expr::Binary(operator, left, right) => {
            binary(*operator, evaluate(left, read)?, evaluate(right, read)?)
        }
    }
}

fn in_memory(unit: Unit, bytes: [u8; 8]) -> Value {
    let bits = u64::from_le_bytes(bytes);
    match unit {
        Unit::Float { bytes: 4 } => Value::Float(f32::from_bits(bits as u32).into()),
        Unit::Float { .. } => Value::Float(f64::from_bits(bits)),
        Unit::Int { signed: false, .. } => Value::Int(bits.into()),
        Unit::Int { bytes, signed: true } => {
            let unused = 64 - bytes as u32 * 8;
            Value::Int((((bits << unused) as i64) >> unused).into())
        }
    }
}

fn unary(operator: Unary, operand: Value) -> Result<Value> {
    Ok(match (operator, operand) {
        (Unary::Not, value) => Value::Int((!value.holds()).into()),
        (Unary::Minus, Value::Int(value)) => {
            Value::Int(value.checked_neg().context("the number is too large")?)
        }
        (Unary::Minus, Value::Float(value)) => Value::Float(-value),
        (Unary::Complement, Value::Int(value)) => Value::Int(!value),
        (Unary::Complement, Value::Float(_)) => bail!("`~` has an operand that is no integer"),
    })
}

fn binary(operator: Binary, left: Value, right: Value) -> Result<Value> {
    use Binary as B;
    let (Value::Int(x), Value::Int(y)) = (left, right) else {
        return floats(operator, left.float(), right.float());
    };
    let shift = || u32::try_from(y).ok();
    let truth = |holds: bool| Some(holds.into());
    let result = match operator {
        B::Or => Some(x | y),
        B::Xor => Some(x ^ y),
        B::And => Some(x & y),
        B::Equal => truth(x == y),
        B::NotEqual => truth(x != y),
        B::Less => truth(x < y),
        B::LessEqual => truth(x <= y),
        B::Greater => truth(x > y),
        B::GreaterEqual => truth(x >= y),
        B::ShiftLeft | B::ShiftRight if y < 0 => bail!("a shift by a negative number"),
        B::ShiftLeft => shift().and_then(|by| 1_i128.checked_shl(by)).and_then(|by| x.checked_mul(by)),
        B::ShiftRight => shift().map(|by| x >> by.min(127)),
        B::Add => x.checked_add(y),
        B::Subtract => x.checked_sub(y),
        B::Multiply => x.checked_mul(y),
        B::Divide | B::Remainder if y == 0 => bail!("division by zero"),
        B::Divide => x.checked_div(y),
        B::Remainder => x.checked_rem(y),
        // Evaluated as far as needed only, by the caller.
        B::LogicalAnd => truth(x != 0 && y != 0),
        B::LogicalOr => truth(x != 0 || y != 0),
    };
    result.map(Value::Int).context("the number is too large")
}

fn floats(operator: Binary, x: f64, y: f64) -> Result<Value> {
    use Binary as B;
    Ok(match operator {
        B::Equal => Value::Int((x == y).into()),
        B::NotEqual => Value::Int((x != y).into()),
        B::Less => Value::Int((x < y).into()),
        B::LessEqual => Value::Int((x <= y).into()),
        B::Greater => Value::Int((x > y).into()),
        B::GreaterEqual => Value::Int((x >= y).into()),
        B::Add => Value::Float(x + y),
        B::Subtract => Value::Float(x - y),
        B::Multiply => Value::Float(x * y),
        B::Divide => Value::Float(x / y),
        B::Remainder => Value::Float(x % y),
        _ => bail!("an operator for integers has an operand that is none"),
    })
}
