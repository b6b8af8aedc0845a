//! Finding an exception's handler by frame pointers.
//!
//! Every frame of compiled code has, at its frame pointer, the caller's frame
//! pointer and above it the return address; native frames and Pulley's agree.

use sidetrack_artifact::{ExceptionHandler, Image};

/// Where to go on after a throw.
#[derive(Clone, Copy, Debug)]
pub(super) struct Landing {
    pub pc: usize,
    pub sp: usize,
    pub fp: usize,
}

/// The handler for `tag` nearest to the call that returns to `return_address`
/// in the frame at `fp`; none if the walk leaves the image at `base` first.
///
/// # Safety
/// `fp` must be the frame pointer of the frame that `return_address` lies in, and
/// frames must be as compiled code makes them until the walk leaves the image.
pub(super) unsafe fn find_handler(
    image: &Image,
    base: usize,
    mut return_address: usize,
    mut fp: usize,
    tag: u64,
) -> Option<Landing> {
    loop {
        let offset = return_address.checked_sub(base).and_then(|o| u32::try_from(o).ok())?;
        image.symbol_at(offset.checked_sub(1)?)?;
        if let Some(call) = image.call_site(offset) {
            let handler = call.handlers.iter().find_map(|clause| match *clause {
                ExceptionHandler::Tag { tag: t, handler } if u64::from(t) == tag => Some(handler),
                ExceptionHandler::Default { handler } => Some(handler),
                ExceptionHandler::Tag { .. } | ExceptionHandler::Context(_) => None,
            });
            if let Some(handler) = handler {
                return Some(Landing {
                    pc: base + handler as usize,
                    sp: fp - call.frame_offset as usize,
                    fp,
                });
            }
        }
        // SAFETY: the caller vouches for the frame at fp while the return address is in the image.
        let [outer_fp, outer_return] = unsafe { (fp as *const [usize; 2]).read() };
        return_address = outer_return;
        fp = outer_fp;
    }
}
