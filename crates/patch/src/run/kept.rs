//! Registers that callees keep, as they are in outer frames.
//!
//! A value that lives across a call may be in a register that the callee keeps. Then it is
//! where the innermost function on the way that saved the register put it; if none did,
//! it is still in the register. Beyond the entry of the activation nothing is
//! known: a host function saved what it changed wherever it liked.

use super::frames::Frame;
use super::hook::HookFrame;
use super::registry::View;
use sidetrack_artifact::{Architecture, StatePlace, UnwindOp};

/// Registers as they are in one frame.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The frame pointer, which tells the frame.
    pub fp: usize,
    ints: [u64; 32],
    floats: [u64; 32],
}

impl Kept {
    /// The registers in the frames of the activation that has come to a site or a trap,
    /// innermost first, so that frame pointers ascend.
    ///
    /// # Safety
    /// The frame is that of a hook that has not returned.
    pub unsafe fn in_frames(hook: &HookFrame) -> Vec<Kept> {
        let view = View::new();
        let mut frame = Frame { pc: hook.pc, fp: hook.fp };
        let mut now = Kept { fp: frame.fp, ints: hook.ints, floats: hook.floats.map(|bits| bits as u64) };
        let mut all = Vec::new();
        // A site ends before its function does, and where a trap is, the function is.
        let mut within = frame.pc;
        while let Some(code) = view.find(within) {
            all.push(now.clone());
            let (image, offset) = code.at(within);
            let symbol = image.symbol_at(offset);
            let ops = symbol.map_or(&[][..], |symbol| &symbol.unwind().ops);
            let done = |end: u32| symbol.is_some_and(|symbol| symbol.offset + end <= offset);
            let mut size = 0;
            for &(_, op) in ops.iter().filter(|(end, _)| done(*end)) {
                match op {
                    UnwindOp::PushFrame { size: bytes } => size = bytes as usize,
                    UnwindOp::DefineFrame => {}
                    UnwindOp::SaveReg { reg, cfa_offset } => {
                        let Some(register) = now.register(image.architecture, reg) else { continue };
                        let address = frame.fp + size - cfa_offset as usize;
                        // SAFETY: the function has saved the register there, in its frame.
                        *register = unsafe { (address as *const u64).read() };
                    }
                }
            }
            // SAFETY: a live frame, by the caller.
            let [fp, pc] = unsafe { (frame.fp as *const [usize; 2]).read() };
            frame = Frame { pc, fp };
            now.fp = fp;
            within = pc.wrapping_sub(1);
        }
        all
    }

    /// The register with this DWARF number, where values live across calls.
    fn register(&mut self, architecture: Architecture, dwarf: u16) -> Option<&mut u64> {
        let (ints, floats) = match architecture {
            Architecture::Aarch64 => (0..31, 64..96),
            Architecture::Riscv64 => (0..32, 32..64),
            // What callees keep on the others holds no value with a place.
            _ => return None,
        };
        let number = usize::from(dwarf);
        if ints.contains(&dwarf) {
            return self.ints.get_mut(number);
        }
        floats.contains(&dwarf).then(|| &mut self.floats[number - usize::from(floats.start)])
    }

    /// The bits of a value in a register; those beyond its type's are undefined. None for a
    /// register that callees do not keep.
    pub fn read(&self, reg: u8) -> Option<u128> {
        let number = usize::from(reg % 32);
        match reg / 32 * 32 {
            0 => Some(self.ints[number].into()),
            StatePlace::FIRST_FLOAT => Some(self.floats[number].into()),
            _ => None,
        }
    }
}
