//! The specification's words for traps.

use sidetrack_engine::Trap;

/// What scripts call each trap. A script's message may go on after these words
/// (`uninitialized element 2`).
const MESSAGES: [(&str, Trap); 15] = [
    ("call stack exhausted", Trap::StackOverflow),
    ("out of bounds memory access", Trap::MemoryOutOfBounds),
    ("out of bounds table access", Trap::TableOutOfBounds),
    ("undefined element", Trap::TableOutOfBounds),
    ("uninitialized element", Trap::IndirectCallToNull),
    ("indirect call type mismatch", Trap::BadSignature),
    ("integer overflow", Trap::IntegerOverflow),
    ("integer divide by zero", Trap::IntegerDivisionByZero),
    ("invalid conversion to integer", Trap::BadConversionToInteger),
    ("unreachable", Trap::UnreachableCodeReached),
    ("null function reference", Trap::NullReference),
    ("null exception reference", Trap::NullReference),
    ("null reference", Trap::NullReference),
    ("unaligned atomic", Trap::UnalignedAtomic),
    ("expected shared memory", Trap::AtomicWait),
];

/// Whether `trap` is what a script expects with `message`.
pub fn is_expected(trap: Trap, message: &str) -> bool {
    MESSAGES.iter().any(|(words, named)| message.starts_with(words) && *named == trap)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_tell_traps_apart() {
        assert!(is_expected(Trap::IndirectCallToNull, "uninitialized element 2"));
        assert!(is_expected(Trap::TableOutOfBounds, "undefined element"));
        assert!(!is_expected(Trap::MemoryOutOfBounds, "out of bounds table access"));
        assert!(!is_expected(Trap::MemoryOutOfBounds, "some other words"));
        assert!(!is_expected(Trap::UnreachableCodeReached, ""));
    }
}
