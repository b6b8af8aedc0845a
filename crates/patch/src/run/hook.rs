//! Sites that are on: what runs when control comes to one.
//!
//! The import `%debug_hook`, of signature `() preserve_all`, is what sites call. It
//! saves every register in a [`HookFrame`] on the stack, shows that to the hook of the
//! process, and puts every register back. The hook may run anything, other compiled
//! code among it, and must not unwind.

use sidetrack_artifact::{Architecture, StatePlace, SymbolName};
use std::mem::offset_of;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The registers at a site. Those that an architecture lacks are undefined.
#[derive(Debug)]
#[repr(C, align(16))]
pub struct HookFrame {
    /// The integer registers by hardware number.
    pub ints: [u64; 32],
    /// The return address of the site's call: where the site ends.
    pub pc: usize,
    /// The frame pointer of the function that the site is in.
    pub fp: usize,
    /// The registers of floats by hardware number; on x86-64 they hold vectors too.
    pub floats: [[u8; 16]; 32],
    /// The registers of vectors where they are a class of their own.
    pub vectors: [[u8; 16]; 32],
}

/// Offsets for the assembly.
pub(super) const PC: usize = offset_of!(HookFrame, pc);
pub(super) const FP: usize = offset_of!(HookFrame, fp);
pub(super) const FLOATS: usize = offset_of!(HookFrame, floats);
pub(super) const SIZE: usize = size_of::<HookFrame>();

impl HookFrame {
    /// The bytes of a value in its first bytes, the rest being undefined.
    ///
    /// # Safety
    /// `place` is one that the state map of this site names.
    pub unsafe fn read(&self, place: StatePlace) -> [u8; 16] {
        match place {
            StatePlace::Reg(reg) => {
                let number = usize::from(reg % 32);
                match reg / 32 {
                    0 => widen(self.ints[number]),
                    1 => self.floats[number],
                    _ => self.vectors[number],
                }
            }
            // SAFETY: by the caller.
            other => unsafe { read_frame(self.fp, other) },
        }
    }
}

fn widen(value: u64) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&value.to_ne_bytes());
    bytes
}

/// The bytes of a value in the frame with this frame pointer, the rest being undefined.
///
/// # Safety
/// `place` is one that the state map of the call under way in that frame names.
///
/// # Panics
/// If the place is a register: those of outer frames are not known.
pub unsafe fn read_frame(fp: usize, place: StatePlace) -> [u8; 16] {
    match place {
        StatePlace::Frame(offset) => {
            let address = fp.wrapping_add_signed(offset as isize) as *const [u8; 8];
            // SAFETY: a spill slot of that frame. The second half may be another slot's: the
            // frame has the saved frame pointer and return address above it in any case.
            unsafe {
                let mut bytes = [0; 16];
                bytes[..8].copy_from_slice(&address.read_unaligned());
                bytes[8..].copy_from_slice(&address.add(1).read_unaligned());
                bytes
            }
        }
        StatePlace::Const(value) => widen(value as u64),
        StatePlace::Vector(bytes) => bytes,
        StatePlace::Reg(_) => panic!("a register of an outer frame"),
    }
}

/// What a site that is on calls. Returns 0 to go on behind the site, or the address of
/// a function of compiled code that is called there instead, without arguments.
pub type Hook = unsafe extern "C" fn(frame: &mut HookFrame) -> usize;

unsafe extern "C" fn nothing(_: &mut HookFrame) -> usize {
    0
}

/// The hook of the process, 0 before one is set.
pub(super) static HOOK: AtomicUsize = AtomicUsize::new(0);

/// Sets the hook of the process.
///
/// # Safety
/// The function must be right for whatever site of whatever image calls it, and must
/// not unwind.
pub unsafe fn set_hook(hook: Hook) {
    HOOK.store(hook as *const () as usize, Ordering::SeqCst);
}

/// Shows a frame to the hook of the process.
pub(super) extern "C" fn call_hook(frame: &mut HookFrame) -> usize {
    let hook = HOOK.load(Ordering::SeqCst);
    let hook: Hook = match hook {
        0 => nothing,
        // SAFETY: stored by `set_hook` from a function of this type.
        address => unsafe { std::mem::transmute::<usize, Hook>(address) },
    };
    // SAFETY: as whoever set it vouches.
    unsafe { hook(frame) }
}

/// The name that sites call.
const NAME: &str = "debug_hook";

/// Whether `name` is that of the function that sites call.
pub(super) fn is_hook(name: &SymbolName) -> bool {
    matches!(name, SymbolName::Named(name) if name == NAME)
}

/// What `%debug_hook` is on Pulley: an address that nothing else has.
static PULLEY_HOOK: u8 = 0;

/// The address that `%debug_hook` resolves to; none where no code of `architecture` runs.
pub fn hook_address(architecture: Architecture) -> Option<u64> {
    match architecture {
        Architecture::Pulley64 => Some(&raw const PULLEY_HOOK as u64),
        other if super::native::ARCHITECTURE == Some(other) => super::native::hook_address(),
        _ => None,
    }
}
