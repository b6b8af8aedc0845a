//! Where values go when functions call one another, and what a frame looks like.
//!
//! Every frame has a frame pointer. From high addresses to low:
//!
//! ```text
//!   stack returns of this function        (in the caller's outgoing area)
//!   stack arguments of this function      <- argument area end
//!   room for larger tail calls' arguments
//!   return address and caller's FP        <- FP
//!   saved registers
//!   stack slots and spill slots
//!   outgoing arguments and returns        <- SP
//! ```
//!
//! Stack arguments and returns are addressed from the *argument area end*, the
//! boundary between the two, which stays where it is when a function grows its
//! argument area for a tail call.

use regalloc2::{PReg, RegClass, SpillSlot};
use sidetrack_artifact::StatePlace;
use sidetrack_ir::{ArgumentExtension, CallConv, Signature, Type};

/// Where one parameter or return value travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AbiLoc {
    /// In a register.
    Reg(PReg),
    /// On the stack. For parameters the offset in bytes is from the first stack
    /// argument; for returns from the argument area end.
    Stack(u32),
}

/// One parameter or return value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbiSlot {
    /// Where it travels.
    pub loc: AbiLoc,
    /// Its type.
    pub ty: Type,
    /// How it is extended to a full register or stack word.
    pub extension: ArgumentExtension,
}

/// A signature with places for everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigAbi {
    /// The parameters.
    pub params: Vec<AbiSlot>,
    /// The returns.
    pub rets: Vec<AbiSlot>,
    /// Bytes of stack arguments, a multiple of the stack alignment.
    pub stack_args: u32,
    /// Bytes of stack returns, a multiple of the stack alignment.
    pub stack_rets: u32,
    /// Whether the callee removes its stack arguments when it returns.
    pub callee_pops: bool,
}

/// A signature that a target's conventions cannot carry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct AbiError(pub String);

/// Computes a signature's places from lists of registers.
///
/// `ints` and `floats` are taken in order; what is left goes to the stack in words
/// of 8 bytes; a vector takes 16, at a multiple of 16. `first_stack_arg` is where stack
/// arguments start (a shadow area lies below). `paired` makes position N take register N of its class only (as in the
/// convention of Windows). The stack is aligned to 16 bytes.
pub fn assign(
    sig: &Signature,
    params: RegLists<'_>,
    rets: RegLists<'_>,
    first_stack_arg: u32,
    paired: bool,
) -> SigAbi {
    let place = |list: &[sidetrack_ir::AbiParam], regs: &RegLists<'_>, start: u32, paired: bool| {
        let (mut next_int, mut next_float, mut next_vector, mut stack) = (0, 0, 0, start);
        let slots = list.iter().map(|param| {
            let (next, other, bank) = match regs.vectors {
                Some(vectors) if param.ty.is_vector() => (&mut next_vector, &mut next_int, vectors),
                _ if param.ty.is_int() => (&mut next_int, &mut next_float, regs.ints),
                _ if regs.floats_in_ints && next_float == regs.floats.len() => {
                    (&mut next_int, &mut next_float, regs.ints)
                }
                _ => (&mut next_float, &mut next_int, regs.floats),
            };
            let loc = match bank.get(*next) {
                Some(&preg) => {
                    *next += 1;
                    if paired {
                        *other = *next;
                    }
                    AbiLoc::Reg(preg)
                }
                None => {
                    let size = if param.ty.is_vector() { 16 } else { 8 };
                    let at = stack.next_multiple_of(size);
                    stack = at + size;
                    AbiLoc::Stack(at)
                }
            };
            AbiSlot { loc, ty: param.ty, extension: param.extension }
        });
        let slots: Vec<AbiSlot> = slots.collect();
        (slots, stack.next_multiple_of(16))
    };
    let (params, stack_args) = place(&sig.params, &params, first_stack_arg, paired);
    let none = RegLists { ints: &[], floats: &[], vectors: rets.vectors.map(|_| &[][..]), ..rets };
    let many = sig.call_conv == CallConv::Tail && sig.returns.len() > MOST_RETURNS_IN_REGISTERS;
    let (rets, stack_rets) = place(&sig.returns, if many { &none } else { &rets }, 0, false);
    SigAbi { params, rets, stack_args, stack_rets, callee_pops: false }
}

/// With more returns than this, functions of the convention `tail` return none of them in
/// registers. A register that returns a value is defined by the call, and so not
/// overwritten by it in the allocator's eyes: what lives over many calls would be compared
/// with all that is in that register between them.
const MOST_RETURNS_IN_REGISTERS: usize = 8;

/// Gives the returns of a `preserve_all` signature the registers of the parameters
/// that they pass through; other signatures stay as they are.
///
/// # Errors
/// If a return has no such parameter, or that one travels on the stack.
pub fn pass_through_returns(sig: &Signature, abi: &mut SigAbi) -> Result<(), AbiError> {
    if sig.call_conv != CallConv::PreserveAll {
        return Ok(());
    }
    let no_place = |n: usize| {
        AbiError(format!("result {n} of a preserve_all signature has no argument register to pass through"))
    };
    let through = sig.pass_through().ok_or_else(|| no_place(sig.returns.len().saturating_sub(1)))?;
    for (n, param) in through.into_iter().enumerate() {
        let AbiLoc::Reg(_) = abi.params[param as usize].loc else { return Err(no_place(n)) };
        abi.rets[n].loc = abi.params[param as usize].loc;
    }
    abi.stack_rets = 0;
    Ok(())
}

/// Argument or return registers of each class, in order of use.
#[derive(Clone, Copy, Debug)]
pub struct RegLists<'a> {
    /// Integer registers.
    pub ints: &'a [PReg],
    /// Float registers.
    pub floats: &'a [PReg],
    /// Vector registers, if vectors do not share the float registers. Not with
    /// paired positions.
    pub vectors: Option<&'a [PReg]>,
    /// Whether floats take integer registers when there are no more of theirs.
    pub floats_in_ints: bool,
}

/// An address in or near the frame, before its layout is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StackAddr {
    /// From the argument area end: negative offsets are arguments, others returns.
    ArgArea(i32),
    /// In the outgoing area, from SP.
    Outgoing(i32),
    /// In the area of stack slots and spill slots, from its low end.
    Slot(i32),
}

/// The base register of a resolved [`StackAddr`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StackBase {
    /// The frame pointer.
    Fp,
    /// The stack pointer.
    Sp,
}

/// A frame whose sizes are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FrameLayout {
    /// Bytes of incoming stack arguments.
    pub stack_args: u32,
    /// Bytes of the argument area: `stack_args`, or more if a tail call needs it.
    pub arg_area: u32,
    /// Whether this function removes its stack arguments when it returns.
    pub callee_pops: bool,
    /// Bytes of return address and saved frame pointer: 16 on 64-bit targets.
    pub setup: u32,
    /// Registers to save, each with its offset in bytes from FP (negative).
    pub saved: Vec<(PReg, i32)>,
    /// Bytes of saved registers.
    pub saved_size: u32,
    /// Bytes of stack slots and spill slots.
    pub slots: u32,
    /// Bytes of stack slots, above which the spill slots are.
    pub stack_slots: u32,
    /// Bytes of outgoing arguments and returns.
    pub outgoing: u32,
}

impl FrameLayout {
    /// Bytes from FP down to SP, a multiple of 16.
    pub fn size(&self) -> u32 {
        (self.saved_size + self.slots + self.outgoing).next_multiple_of(16)
    }

    /// The address of a spill slot.
    pub fn spill_addr(&self, slot: SpillSlot) -> StackAddr {
        StackAddr::Slot(self.stack_slots as i32 + slot.index() as i32 * 8)
    }

    /// Where a debugger finds what the allocator has put in a register or a slot.
    ///
    /// # Panics
    /// If it is in neither.
    pub fn place(&self, preg: Option<PReg>, slot: Option<SpillSlot>) -> StatePlace {
        match (preg, slot) {
            (Some(preg), _) => {
                let first = match preg.class() {
                    RegClass::Int => 0,
                    RegClass::Float => StatePlace::FIRST_FLOAT,
                    RegClass::Vector => StatePlace::FIRST_VECTOR,
                };
                StatePlace::Reg(first + preg.hw_enc() as u8)
            }
            (_, Some(slot)) => StatePlace::Frame(self.from_fp(self.spill_addr(slot))),
            _ => unreachable!("operands are allocated before they are emitted"),
        }
    }

    /// The byte offset of an address from the frame pointer.
    pub fn from_fp(&self, addr: StackAddr) -> i32 {
        match self.resolve(addr) {
            (StackBase::Fp, offset) => offset,
            (StackBase::Sp, offset) => offset - self.size() as i32,
        }
    }

    /// The register and byte offset of an address.
    pub fn resolve(&self, addr: StackAddr) -> (StackBase, i32) {
        match addr {
            StackAddr::ArgArea(offset) => (StackBase::Fp, (self.setup + self.arg_area) as i32 + offset),
            StackAddr::Outgoing(offset) => (StackBase::Sp, offset),
            StackAddr::Slot(offset) => (StackBase::Sp, self.outgoing as i32 + offset),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sidetrack_ir::types::{F64, F64X2, I8X16, I64};

    #[test]
    fn registers_first_then_stack() {
        let ints = [0, 1].map(|n| PReg::new(n, RegClass::Int));
        let floats = [0].map(|n| PReg::new(n, RegClass::Float));
        let lists = RegLists { ints: &ints, floats: &floats, vectors: None, floats_in_ints: false };
        let sig = Signature::of(CallConv::SystemV, &[I64, F64, I64, F64, I64], &[I64, I64, I64]);
        let abi = assign(&sig, lists, lists, 0, false);
        let locs: Vec<AbiLoc> = abi.params.iter().map(|slot| slot.loc).collect();
        let expected = [
            AbiLoc::Reg(ints[0]),
            AbiLoc::Reg(floats[0]),
            AbiLoc::Reg(ints[1]),
            AbiLoc::Stack(0),
            AbiLoc::Stack(8),
        ];
        assert_eq!(locs, expected);
        assert_eq!((abi.rets[2].loc, abi.stack_args, abi.stack_rets), (AbiLoc::Stack(0), 16, 16));
        for (count, first) in [(8, AbiLoc::Reg(ints[0])), (9, AbiLoc::Stack(0))] {
            let sig = Signature::of(CallConv::Tail, &[], &vec![I64; count]);
            assert_eq!(assign(&sig, lists, lists, 0, false).rets[0].loc, first);
        }
        let sig = Signature::of(CallConv::SystemV, &[F64X2, I64, I64, I64, I8X16, I8X16], &[]);
        let abi = assign(&sig, lists, lists, 0, false);
        let locs: Vec<AbiLoc> = abi.params.iter().map(|slot| slot.loc).collect();
        assert_eq!(locs[..1], [AbiLoc::Reg(floats[0])]);
        assert_eq!(locs[3..], [AbiLoc::Stack(0), AbiLoc::Stack(16), AbiLoc::Stack(32)]);
        assert_eq!(abi.stack_args, 48);
        let vectors = [0].map(|n| PReg::new(n, RegClass::Vector));
        let own = assign(&sig, RegLists { vectors: Some(&vectors), ..lists }, lists, 0, false);
        assert_eq!((own.params[0].loc, own.params[4].loc), (AbiLoc::Reg(vectors[0]), AbiLoc::Stack(16)));
        let sig = Signature::of(CallConv::SystemV, &[I64, F64, I64, F64, I64], &[I64, I64, I64]);
        let paired = assign(&sig, lists, lists, 32, true);
        let locs: Vec<AbiLoc> = paired.params.iter().map(|slot| slot.loc).collect();
        assert_eq!(locs[1..4], [AbiLoc::Stack(32), AbiLoc::Reg(ints[1]), AbiLoc::Stack(40)]);
        let sig = Signature::of(CallConv::SystemV, &[F64, F64, I64, F64, I64], &[]);
        let abi = assign(&sig, RegLists { floats_in_ints: true, ..lists }, lists, 0, false);
        let locs: Vec<AbiLoc> = abi.params.iter().map(|slot| slot.loc).collect();
        assert_eq!(locs[1..4], [AbiLoc::Reg(ints[0]), AbiLoc::Reg(ints[1]), AbiLoc::Stack(0)]);
    }
}
