//! Frames of compiled code, and the handlers of exceptions in them.
//!
//! Every frame of compiled code has, at its frame pointer, the caller's frame
//! pointer and above it the return address; native frames and Pulley's agree. The
//! frames of an activation end where a return address is in no registered code.

use super::registry::{Code, View};
use sidetrack_artifact::{Architecture, ExceptionHandler, UnwindOp};
use std::iter::successors;

/// A frame of compiled code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The instruction that faulted in the innermost frame of a trap, in all others
    /// the address that the call which is under way returns to.
    pub pc: usize,
    /// The frame pointer. While the innermost function has not made its frame yet, its caller's.
    pub fp: usize,
}

/// Walks from a compiled frame outwards up to the entry of its activation, innermost
/// frame first, or to so many frames; empty if `pc` is in no registered code.
///
/// # Safety
/// `fp` must be the frame pointer of a live frame that `pc` lies in.
pub unsafe fn walk(pc: usize, fp: usize, most: usize) -> Vec<Frame> {
    let view = View::new();
    if !view.contains(pc) && !view.contains(pc.wrapping_sub(1)) {
        return Vec::new();
    }
    // SAFETY: as the caller vouches.
    unsafe { outwards(&view, Frame { pc, fp }) }.take(most).collect()
}

/// The frame and those outside of it, up to the entry of the activation.
///
/// # Safety
/// As [`walk`], for as long as the frames are asked for.
unsafe fn outwards(view: &View, frame: Frame) -> impl Iterator<Item = Frame> {
    successors(Some(frame), |frame| {
        // SAFETY: the caller vouches for the first frame, and compiled code for those that it returns to.
        let [fp, pc] = unsafe { (frame.fp as *const [usize; 2]).read() };
        view.contains(pc.wrapping_sub(1)).then_some(Frame { pc, fp })
    })
}

/// The frames of an activation that has been left: all, or those at both ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frames {
    /// The innermost, innermost first: as many as [`super::CallHooks::max_frames`], if there are.
    pub first: Vec<Frame>,
    /// How many follow them that are left out.
    pub left_out: usize,
    /// The outermost, if there are more than the first.
    pub last: Vec<Frame>,
}

/// How many frames [`Frames::last`] has at most.
const LAST: usize = 16;

impl Frames {
    /// The frames that there are; none is looked at if `max` is 0.
    fn new(mut frames: impl Iterator<Item = Frame>, max: usize) -> Self {
        if max == 0 {
            return Frames::default();
        }
        let first = frames.by_ref().take(max).collect();
        let (mut last, mut count) = (Vec::new(), 0);
        for frame in frames {
            if last.len() < LAST {
                last.push(frame);
            } else {
                last[count % LAST] = frame;
            }
            count += 1;
        }
        let left_out = count - last.len();
        if left_out > 0 {
            last.rotate_left(count % LAST);
        }
        Frames { first, left_out, last }
    }
}

/// Bytes of a frame's return address and saved frame pointer.
const SETUP: usize = 16;
/// The steps in which large frames are made.
const PAGE: usize = 4096;

/// What is in the registers at a trap.
#[derive(Clone, Copy, Debug)]
pub(super) struct Registers {
    pub(super) pc: usize,
    pub(super) fp: usize,
    pub(super) sp: usize,
    /// The return address where calls leave it in a register, until the function has made its frame.
    pub(super) link: Option<usize>,
}

/// The frames at a trap, `max` from the innermost, and the outermost.
///
/// # Safety
/// The registers must be those of code that has just stopped at `registers.pc` in `code`.
pub(super) unsafe fn frames_at(view: &View, code: Code<'_>, registers: Registers, max: usize) -> Frames {
    if max == 0 {
        return Frames::default();
    }
    let Registers { pc, mut fp, sp, link } = registers;
    let (image, offset) = code.at(pc);
    let symbol = image.symbol_at(offset);
    let step = |wanted: fn(&UnwindOp) -> bool| {
        let symbol = symbol?;
        symbol.unwind().ops.iter().find(|(_, op)| wanted(op)).map(|(end, _)| symbol.offset + end)
    };
    let pushed = step(|op| matches!(op, UnwindOp::PushFrame { .. }));
    let defined = step(|op| matches!(op, UnwindOp::DefineFrame));
    if defined.is_some_and(|defined| offset < defined) {
        let innermost = [Frame { pc, fp }].into_iter();
        let above = if pushed.is_some_and(|pushed| offset >= pushed) { 8 } else { 0 };
        // SAFETY: calls that leave the return address in no register push it: it is where sp
        // says, and once the caller's frame pointer is pushed, above that.
        let outer = link.unwrap_or_else(|| unsafe { ((sp + above) as *const usize).read() });
        if !view.contains(outer.wrapping_sub(1)) {
            return Frames::new(innermost, max);
        }
        // SAFETY: the frame pointer is the caller's still.
        return Frames::new(innermost.chain(unsafe { outwards(view, Frame { pc: outer, fp }) }), max);
    }
    let pages = symbol.map_or(0, |symbol| (symbol.frame_size as usize).saturating_sub(SETUP) / PAGE);
    if image.architecture == Architecture::X86_64 && pages > 0 && fp <= sp {
        // A large frame is being made page by page. Meanwhile the frame pointer is where
        // that ends, and before and after it would be above the stack pointer.
        fp += pages * PAGE;
    }
    // SAFETY: the function has made its frame.
    Frames::new(unsafe { outwards(view, Frame { pc, fp }) }, max)
}

/// Where to go on after a throw.
#[derive(Clone, Copy, Debug)]
pub(super) struct Landing {
    pub(super) pc: usize,
    pub(super) sp: usize,
    pub(super) fp: usize,
}

/// The handler for `tag` nearest to the call that returns to `frame.pc` in the
/// frame; else the frames of the activation, `max` from the innermost, and the outermost.
///
/// # Safety
/// As [`walk`].
pub(super) unsafe fn find_handler(frame: Frame, tag: u64, max: usize) -> Result<Landing, Frames> {
    let view = View::new();
    let mut at = frame;
    while let Some(code) = view.find(at.pc.wrapping_sub(1)) {
        let (image, offset) = code.at(at.pc);
        if let Some(call) = image.handled_call(offset) {
            let handler = call.handlers().find_map(|clause| match clause {
                ExceptionHandler::Tag { tag: t, handler } if u64::from(t) == tag => Some(handler),
                ExceptionHandler::Default { handler } => Some(handler),
                ExceptionHandler::Tag { .. } | ExceptionHandler::Context(_) => None,
            });
            if let Some(handler) = handler {
                let sp = at.fp - call.frame_offset as usize;
                return Ok(Landing { pc: code.base + handler as usize, sp, fp: at.fp });
            }
        }
        // SAFETY: the caller vouches for the first frame, and compiled code for those that it returns to.
        let [fp, pc] = unsafe { (at.fp as *const [usize; 2]).read() };
        at = Frame { pc, fp };
    }
    // SAFETY: as the caller vouches.
    Err(Frames::new(unsafe { outwards(&view, frame) }, max))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_frames_those_at_both_ends_are_kept() {
        let frame = |pc| Frame { pc, fp: 0 };
        for (count, max) in [(0, 3), (2, 3), (3, 3), (4, 3), (3 + LAST, 3), (4 + LAST, 3), (100, 3), (101, 3)]
        {
            let frames = Frames::new((0..count).map(frame), max);
            let kept: Vec<usize> = frames.first.iter().chain(&frames.last).map(|frame| frame.pc).collect();
            let outermost = count.saturating_sub(LAST).max(max.min(count));
            let expected: Vec<usize> = (0..max.min(count)).chain(outermost..count).collect();
            assert_eq!((kept, frames.left_out), (expected.clone(), count - expected.len()), "{count}");
        }
        assert_eq!(Frames::new((0..9).map(|_| unreachable!()), 0), Frames::default());
    }
}
