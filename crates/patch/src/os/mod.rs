//! What the operating system must give: memory for code, and a barrier for cores.
//!
//! Twins: `linux.rs` has memory files, private and second mappings; `portable.rs`
//! has anonymous memory only. Both offer `Source` (the pristine bytes) and
//! `Mapping` (a view of them that is either readable and writable or readable and
//! executable), with the same functions.

/// What can be done with pages of code besides reading them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
pub(crate) enum Protection {
    /// Nothing.
    Read,
    /// Writing.
    Write,
    /// Executing.
    Execute,
}

#[cfg(target_os = "linux")]
pub(crate) mod fork;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(any(not(target_os = "linux"), test))]
mod portable;

#[cfg(target_os = "linux")]
pub(crate) use linux::{Mapping, Source};
#[cfg(target_os = "linux")]
#[allow(unused_imports)] // an instruction set takes one of them, or none
pub(crate) use linux::{interrupt_cores, synchronize_cores};
#[cfg(not(target_os = "linux"))]
pub(crate) use portable::{Mapping, Source};
#[cfg(not(target_os = "linux"))]
#[allow(unused_imports)] // as above
pub(crate) use portable::{interrupt_cores, synchronize_cores};

#[cfg(test)]
mod tests {
    /// Both twins must do the same with the same calls.
    macro_rules! twin_test {
        ($name:ident, $twin:ident) => {
            #[test]
            fn $name() {
                use super::$twin::Source;
                let source = Source::new(&[1, 2, 3]).unwrap();
                let mut a = source.map_private().unwrap();
                let mut b = source.map_private().unwrap();
                let len = a.len();
                a.make_writable(0..len).unwrap();
                a.bytes_mut()[1] = 9;
                a.make_executable(0..len).unwrap();
                b.make_executable(0..len).unwrap();
                assert!(a.read(0..3).eq([1, 9, 3]));
                assert!(b.read(0..3).eq([1, 2, 3]));
                b.make_writable(0..len).unwrap();
                b.bytes_mut()[0] = 7;
                b.make_executable(0..len).unwrap();
                assert!(b.read(0..3).eq([7, 2, 3]));
                assert!(source.map_private().unwrap().read(0..3).eq([1, 2, 3]));
            }
        };
    }
    #[cfg(target_os = "linux")]
    twin_test!(linux_twin, linux);
    twin_test!(portable_twin, portable);
}
