//! What the types of an instruction's operands may be: sets of controlling types,
//! and types in terms of the controlling type.

use crate::types::{F32X4, F64X2, I8, I8X16, I16X8, I32, I32X4, I64, I64X2, Type};

/// What a controlling type may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypeSet {
    /// No controlling type.
    None,
    /// i8 to i64.
    Int,
    /// i16 to i64.
    WideInt,
    /// i32 or i64.
    Int32Or64,
    /// f32 or f64.
    Float,
    /// Any scalar.
    Any,
    /// A vector.
    Vec,
    /// A vector of integers.
    IntVec,
    /// i16x8 to i64x2.
    WideIntVec,
    /// i8x16 to i32x4.
    NarrowIntVec,
    /// i16x8 or i32x4.
    Int16Or32Vec,
    /// A scalar or vector of integers.
    IntOrVec,
    /// A scalar or vector of floats.
    FloatOrVec,
    /// Any scalar or vector.
    AnyOrVec,
}

impl TypeSet {
    /// Whether `ty` is in the set.
    pub fn contains(self, ty: Type) -> bool {
        match self {
            TypeSet::None => ty == Type::INVALID,
            TypeSet::Int => ty.is_int(),
            TypeSet::WideInt => ty.is_int() && ty != I8,
            TypeSet::Int32Or64 => matches!(ty, I32 | I64),
            TypeSet::Float => ty.is_float(),
            TypeSet::Any => ty.is_int() || ty.is_float(),
            TypeSet::Vec => Type::VECTORS.contains(&ty),
            TypeSet::IntVec => TypeSet::Vec.contains(ty) && ty.is_int_vector(),
            TypeSet::WideIntVec => matches!(ty, I16X8 | I32X4 | I64X2),
            TypeSet::NarrowIntVec => matches!(ty, I8X16 | I16X8 | I32X4),
            TypeSet::Int16Or32Vec => matches!(ty, I16X8 | I32X4),
            TypeSet::IntOrVec => ty.is_int() || TypeSet::IntVec.contains(ty),
            TypeSet::FloatOrVec => ty.is_float() || matches!(ty, F32X4 | F64X2),
            TypeSet::AnyOrVec => TypeSet::Any.contains(ty) || TypeSet::Vec.contains(ty),
        }
    }
}

/// The type of an argument or result in terms of the controlling type `T`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperandType {
    /// `T` itself.
    Same,
    /// This type always.
    Fixed(Type),
    /// An address: i32 or i64, as wide as the target's pointers.
    Addr,
    /// Any scalar integer.
    AnyInt,
    /// Any scalar float.
    AnyFloat,
    /// A scalar integer narrower than `T`.
    NarrowerInt,
    /// A scalar integer wider than `T`.
    WiderInt,
    /// Any type as wide as `T`.
    SameBits,
    /// Any vector.
    AnyVec,
    /// The type of one lane of `T`.
    Lane,
    /// What comparing `T` gives: i8 for a scalar, for a vector the integer vector
    /// of its shape.
    Truth,
    /// The integer vector of half as wide lanes.
    Narrowed,
    /// The integer vector of twice as wide lanes.
    Widened,
    /// Any scalar integer if `T` is a scalar, else the integer vector of its shape.
    IntOf,
    /// Any scalar float if `T` is a scalar, else the float vector of its shape.
    FloatOf,
}

impl OperandType {
    /// The one type this can be when the controlling type is `ctrl`, if it is
    /// determined.
    pub fn resolve(self, ctrl: Type) -> Option<Type> {
        match self {
            OperandType::Same => Some(ctrl),
            OperandType::Fixed(ty) => Some(ty),
            OperandType::Lane => Some(ctrl.lane()),
            OperandType::Truth => Some(if ctrl.is_vector() { ctrl.as_int() } else { I8 }),
            OperandType::Narrowed => ctrl.narrowed(),
            OperandType::Widened => ctrl.widened(),
            _ => None,
        }
    }

    /// Whether a value of type `ty` may stand here.
    pub fn accepts(self, ctrl: Type, ty: Type) -> bool {
        match self {
            OperandType::Same => ty == ctrl,
            OperandType::Fixed(fixed) => ty == fixed,
            OperandType::Addr => matches!(ty, I32 | I64),
            OperandType::AnyInt => ty.is_int(),
            OperandType::AnyFloat => ty.is_float(),
            OperandType::NarrowerInt => ty.is_int() && ty.bits() < ctrl.bits(),
            OperandType::WiderInt => ty.is_int() && ty.bits() > ctrl.bits(),
            OperandType::SameBits => ty.bits() == ctrl.bits(),
            OperandType::AnyVec => TypeSet::Vec.contains(ty),
            OperandType::Lane | OperandType::Truth | OperandType::Narrowed | OperandType::Widened => {
                self.resolve(ctrl) == Some(ty)
            }
            OperandType::IntOf if ctrl.is_vector() => ty == ctrl.as_int(),
            OperandType::IntOf => ty.is_int(),
            OperandType::FloatOf if ctrl.is_vector() => ctrl.as_float() == Some(ty),
            OperandType::FloatOf => ty.is_float(),
        }
    }
}
