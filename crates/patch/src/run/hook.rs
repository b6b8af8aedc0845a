//! Stops: what runs when control comes to a site that is on, or an instruction traps.
//!
//! The import `%debug_hook`, of signature `() preserve_all`, is what sites call. It
//! saves every register in a [`HookFrame`] on the stack, shows that to the hook of the
//! process, and puts every register back. The hook may run anything, other compiled
//! code among it, and must not unwind. At a trap the same is done as if the instruction
//! had called it, and then the activation is left.

use super::native;
use sidetrack_artifact::{Architecture, StatePlace, SymbolName, TrapCode};
use std::mem::offset_of;
use std::sync::OnceLock;

/// The registers at a site or a trap. Those that an architecture lacks are undefined.
#[derive(Debug)]
#[repr(C, align(16))]
pub struct HookFrame {
    /// The integer registers by hardware number.
    pub ints: [u64; 32],
    /// The return address of the site's call: where the site ends. At a trap the instruction.
    pub pc: usize,
    /// The frame pointer of the function that the site is in.
    pub fp: usize,
    /// The registers of floats by hardware number; where they hold vectors, the float is in the
    /// lower half.
    pub floats: [u128; 32],
    /// The registers of vectors where they are a class of their own.
    pub vectors: [u128; 32],
}

/// Offsets for the assembly.
pub(super) const PC: usize = offset_of!(HookFrame, pc);
pub(super) const FP: usize = offset_of!(HookFrame, fp);
pub(super) const FLOATS: usize = offset_of!(HookFrame, floats);
pub(super) const SIZE: usize = size_of::<HookFrame>();

impl HookFrame {
    /// The bits of a value; those beyond its type's are undefined.
    ///
    /// # Safety
    /// `place` is one that the state map of this site names.
    pub unsafe fn read(&self, place: StatePlace) -> u128 {
        match place {
            StatePlace::Reg(reg) => {
                let number = usize::from(reg % 32);
                match reg / 32 * 32 {
                    StatePlace::FIRST_VECTOR => self.vectors[number],
                    StatePlace::FIRST_FLOAT => self.floats[number],
                    StatePlace::FIRST_UPPER => self.floats[number] >> 32,
                    _ => self.ints[number].into(),
                }
            }
            // SAFETY: by the caller.
            other => unsafe { read_frame(self.fp, other) },
        }
    }
}

/// The bits of a value in the frame with this frame pointer; those beyond its type's are
/// undefined.
///
/// # Safety
/// `place` is one that the state map of the call under way in that frame names.
///
/// # Panics
/// If the place is a register: those of outer frames are not known.
pub unsafe fn read_frame(fp: usize, place: StatePlace) -> u128 {
    match place {
        StatePlace::Frame(offset) => {
            let address = fp.wrapping_add_signed(offset as isize) as *const u64;
            // The lower half of a value comes first: big-endian hosts have none of 16 bytes in one
            // place, as native code uses no vectors there.
            // SAFETY: a spill slot of that frame. The second half may be another slot's: the
            // frame has the saved frame pointer and return address above it in any case.
            let [low, high] = unsafe { [address.read_unaligned(), address.add(1).read_unaligned()] };
            u128::from(low) | u128::from(high) << 64
        }
        StatePlace::Const(value) => (value as u64).into(),
        StatePlace::Vector(bytes) => u128::from_le_bytes(bytes),
        StatePlace::Reg(_) => panic!("a register of an outer frame"),
    }
}

/// What the process does where compiled code stops.
#[derive(Clone, Copy, Debug)]
pub struct Hooks {
    /// Called by a site that is on. Returns 0 to go on behind the site, or the address of a
    /// function of compiled code that is called there instead, without arguments.
    pub site: unsafe fn(&mut HookFrame) -> usize,
    /// Called where an instruction has trapped, before its activation is left; the frame's
    /// `pc` is the instruction. All frames are on the stack still.
    pub trap: unsafe fn(&mut HookFrame, TrapCode),
}

/// The hooks of the process.
static HOOKS: OnceLock<Hooks> = OnceLock::new();

/// Sets the hooks of the process, which has them from then on; only the first call does.
///
/// # Safety
/// The functions must be right for whatever site or trap of whatever image calls them,
/// and must not unwind.
pub unsafe fn set_hooks(hooks: Hooks) {
    let _ = HOOKS.set(hooks);
}

/// Whether somebody wants to be told of traps.
pub(super) fn hooks_traps() -> bool {
    HOOKS.get().is_some()
}

/// Shows a frame to the hook of the process.
pub(super) extern "C" fn call_hook(frame: &mut HookFrame) -> usize {
    if let Some(code) = native::trapped() {
        call_trap_hook(frame, code);
        native::leave_trapped();
    }
    call_site_hook(frame)
}

/// Shows a frame at a site to the hook of the process; returns where to go on instead, or 0.
pub(super) fn call_site_hook(frame: &mut HookFrame) -> usize {
    // SAFETY: as whoever set it vouches.
    HOOKS.get().map_or(0, |hooks| unsafe { (hooks.site)(frame) })
}

/// Shows a frame at a trap to the hook of the process.
pub(super) fn call_trap_hook(frame: &mut HookFrame, code: TrapCode) {
    if let Some(hooks) = HOOKS.get() {
        // SAFETY: as whoever set it vouches.
        unsafe { (hooks.trap)(frame, code) };
    }
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
        other if native::ARCHITECTURE == Some(other) => native::hook_address(),
        _ => None,
    }
}
