//! Condition codes of `icmp` and `fcmp`.

use std::cmp::Ordering;
use std::fmt;

macro_rules! condition_codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// All conditions.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// The condition that CLIF text calls `text`.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some($name::$variant),)* _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $($name::$variant => $text,)* })
            }
        }
    };
}

condition_codes! {
    /// Conditions on two integers.
    IntCC {
        /// Equal.
        Equal "eq",
        /// Not equal.
        NotEqual "ne",
        /// Signed less than.
        SignedLessThan "slt",
        /// Signed greater than or equal.
        SignedGreaterThanOrEqual "sge",
        /// Signed greater than.
        SignedGreaterThan "sgt",
        /// Signed less than or equal.
        SignedLessThanOrEqual "sle",
        /// Unsigned less than.
        UnsignedLessThan "ult",
        /// Unsigned greater than or equal.
        UnsignedGreaterThanOrEqual "uge",
        /// Unsigned greater than.
        UnsignedGreaterThan "ugt",
        /// Unsigned less than or equal.
        UnsignedLessThanOrEqual "ule",
    }
}

condition_codes! {
    /// Conditions on two floats, of which one may be NaN (unordered).
    FloatCC {
        /// Neither is NaN.
        Ordered "ord",
        /// One is NaN.
        Unordered "uno",
        /// Equal.
        Equal "eq",
        /// Not equal, or unordered.
        NotEqual "ne",
        /// Less than or greater than.
        OrderedNotEqual "one",
        /// Equal, or unordered.
        UnorderedOrEqual "ueq",
        /// Less than.
        LessThan "lt",
        /// Less than or equal.
        LessThanOrEqual "le",
        /// Greater than.
        GreaterThan "gt",
        /// Greater than or equal.
        GreaterThanOrEqual "ge",
        /// Less than, or unordered.
        UnorderedOrLessThan "ult",
        /// Less than or equal, or unordered.
        UnorderedOrLessThanOrEqual "ule",
        /// Greater than, or unordered.
        UnorderedOrGreaterThan "ugt",
        /// Greater than or equal, or unordered.
        UnorderedOrGreaterThanOrEqual "uge",
    }
}

impl IntCC {
    /// The condition that holds exactly when this one does not.
    pub fn complement(self) -> IntCC {
        use IntCC::*;
        match self {
            Equal => NotEqual,
            NotEqual => Equal,
            SignedLessThan => SignedGreaterThanOrEqual,
            SignedGreaterThanOrEqual => SignedLessThan,
            SignedGreaterThan => SignedLessThanOrEqual,
            SignedLessThanOrEqual => SignedGreaterThan,
            UnsignedLessThan => UnsignedGreaterThanOrEqual,
            UnsignedGreaterThanOrEqual => UnsignedLessThan,
            UnsignedGreaterThan => UnsignedLessThanOrEqual,
            UnsignedLessThanOrEqual => UnsignedGreaterThan,
        }
    }

    /// The condition with its operands exchanged.
    pub fn swap_args(self) -> IntCC {
        use IntCC::*;
        match self {
            Equal => Equal,
            NotEqual => NotEqual,
            SignedLessThan => SignedGreaterThan,
            SignedGreaterThanOrEqual => SignedLessThanOrEqual,
            SignedGreaterThan => SignedLessThan,
            SignedLessThanOrEqual => SignedGreaterThanOrEqual,
            UnsignedLessThan => UnsignedGreaterThan,
            UnsignedGreaterThanOrEqual => UnsignedLessThanOrEqual,
            UnsignedGreaterThan => UnsignedLessThan,
            UnsignedLessThanOrEqual => UnsignedGreaterThanOrEqual,
        }
    }

    /// Whether the condition compares its operands as signed numbers.
    pub fn is_signed(self) -> bool {
        use IntCC::*;
        matches!(self, SignedLessThan | SignedGreaterThanOrEqual | SignedGreaterThan | SignedLessThanOrEqual)
    }

    /// Decides the condition on two integers, given sign-extended to 64 bits.
    /// Unsigned order is kept by sign extension, so one form serves both.
    pub fn test(self, a: i64, b: i64) -> bool {
        use IntCC::*;
        let (ua, ub) = (a as u64, b as u64);
        match self {
            Equal => a == b,
            NotEqual => a != b,
            SignedLessThan => a < b,
            SignedGreaterThanOrEqual => a >= b,
            SignedGreaterThan => a > b,
            SignedLessThanOrEqual => a <= b,
            UnsignedLessThan => ua < ub,
            UnsignedGreaterThanOrEqual => ua >= ub,
            UnsignedGreaterThan => ua > ub,
            UnsignedLessThanOrEqual => ua <= ub,
        }
    }
}

impl FloatCC {
    /// The condition that holds exactly when this one does not.
    pub fn complement(self) -> FloatCC {
        use FloatCC::*;
        match self {
            Ordered => Unordered,
            Unordered => Ordered,
            Equal => NotEqual,
            NotEqual => Equal,
            OrderedNotEqual => UnorderedOrEqual,
            UnorderedOrEqual => OrderedNotEqual,
            LessThan => UnorderedOrGreaterThanOrEqual,
            LessThanOrEqual => UnorderedOrGreaterThan,
            GreaterThan => UnorderedOrLessThanOrEqual,
            GreaterThanOrEqual => UnorderedOrLessThan,
            UnorderedOrLessThan => GreaterThanOrEqual,
            UnorderedOrLessThanOrEqual => GreaterThan,
            UnorderedOrGreaterThan => LessThanOrEqual,
            UnorderedOrGreaterThanOrEqual => LessThan,
        }
    }

    /// The condition with its operands exchanged.
    pub fn swap_args(self) -> FloatCC {
        use FloatCC::*;
        match self {
            LessThan => GreaterThan,
            LessThanOrEqual => GreaterThanOrEqual,
            GreaterThan => LessThan,
            GreaterThanOrEqual => LessThanOrEqual,
            UnorderedOrLessThan => UnorderedOrGreaterThan,
            UnorderedOrLessThanOrEqual => UnorderedOrGreaterThanOrEqual,
            UnorderedOrGreaterThan => UnorderedOrLessThan,
            UnorderedOrGreaterThanOrEqual => UnorderedOrLessThanOrEqual,
            same => same,
        }
    }

    /// Decides the condition, given how the operands compare (`None`: unordered).
    pub fn test(self, order: Option<Ordering>) -> bool {
        use FloatCC::*;
        use Ordering as O;
        match self {
            Ordered => order.is_some(),
            Unordered => order.is_none(),
            Equal => order == Some(O::Equal),
            NotEqual => order != Some(O::Equal),
            OrderedNotEqual => matches!(order, Some(O::Less | O::Greater)),
            UnorderedOrEqual => !matches!(order, Some(O::Less | O::Greater)),
            LessThan => order == Some(O::Less),
            LessThanOrEqual => matches!(order, Some(O::Less | O::Equal)),
            GreaterThan => order == Some(O::Greater),
            GreaterThanOrEqual => matches!(order, Some(O::Greater | O::Equal)),
            UnorderedOrLessThan => !matches!(order, Some(O::Greater | O::Equal)),
            UnorderedOrLessThanOrEqual => order != Some(O::Greater),
            UnorderedOrGreaterThan => !matches!(order, Some(O::Less | O::Equal)),
            UnorderedOrGreaterThanOrEqual => order != Some(O::Less),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integer_complement_and_swap_agree_with_test() {
        for &cc in IntCC::ALL {
            for (a, b) in [(0, 0), (1, 2), (2, 1), (-1, 1), (1, -1), (i64::MIN, i64::MAX)] {
                assert_eq!(cc.complement().test(a, b), !cc.test(a, b), "{cc}");
                assert_eq!(cc.swap_args().test(b, a), cc.test(a, b), "{cc}");
            }
        }
    }

    #[test]
    fn float_complement_and_swap_agree_with_test() {
        for &cc in FloatCC::ALL {
            for (a, b) in [(0.0, -0.0), (1.0, 2.0), (2.0, 1.0), (f64::NAN, 1.0), (1.0, f64::NAN)] {
                let (order, swapped) = (a.partial_cmp(&b), b.partial_cmp(&a));
                assert_eq!(cc.complement().test(order), !cc.test(order), "{cc}");
                assert_eq!(cc.swap_args().test(swapped), cc.test(order), "{cc}");
            }
        }
    }
}
