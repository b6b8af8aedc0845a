//! Running native code in this process.
//!
//! Twins: `linux` runs it; `unsupported.rs` refuses.

macro_rules! twins {
    ($($architecture:literal)*) => {
        #[cfg(all(target_os = "linux", any($(target_arch = $architecture),*)))]
        mod linux;
        #[cfg(all(target_os = "linux", any($(target_arch = $architecture),*)))]
        use linux as host;
        #[cfg(not(all(target_os = "linux", any($(target_arch = $architecture),*))))]
        mod unsupported;
        #[cfg(not(all(target_os = "linux", any($(target_arch = $architecture),*))))]
        use unsupported as host;
    };
}

twins!("x86_64" "aarch64" "riscv64" "s390x");

pub(crate) use host::{
    ARCHITECTURE, Stack, activation, check_prepared, enter, hook_address, leave_trapped, prepare,
    stack_of_thread, throw_address, trapped,
};
