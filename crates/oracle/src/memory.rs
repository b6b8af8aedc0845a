//! Operators on linear memories.

use crate::run::Frame;
use crate::store::{Memory, PAGE, Store};
use crate::value::Trap;
use std::ops::Range;
use wasmparser::{MemArg, MemArgTarget, Operator as O};

/// The bytes from `start` on, if all are inside of `data`.
pub(super) fn range(data: &[u8], start: u64, length: u64) -> Result<Range<usize>, Trap> {
    match start.checked_add(length) {
        Some(end) if end <= data.len() as u64 => Ok(start as usize..end as usize),
        _ => Err(Trap::MemoryOutOfBounds),
    }
}

impl<'a> Store<'a> {
    pub(super) fn memory(&mut self, frame: &Frame<'a>, index: u32) -> &mut Memory {
        let address = self.instances[frame.instance].memories[index as usize];
        &mut self.memories[address]
    }

    /// Pops an address; what it designates.
    fn place(&mut self, frame: &mut Frame<'a>, arg: &MemArg, width: u64) -> Result<&mut [u8], Trap> {
        let base = frame.operands.pop_index();
        self.place_at(frame, arg, base, width)
    }

    /// As [`Store::place`], where the address must be a multiple of the width.
    pub(super) fn aligned_place(
        &mut self,
        frame: &mut Frame<'a>,
        arg: &MemArg,
        width: u64,
    ) -> Result<&mut [u8], Trap> {
        let base = frame.operands.pop_index();
        if !base.wrapping_add(arg.offset).is_multiple_of(width) {
            return Err(Trap::UnalignedAtomic);
        }
        self.place_at(frame, arg, base, width)
    }

    fn place_at(
        &mut self,
        frame: &Frame<'a>,
        arg: &MemArg,
        base: u64,
        width: u64,
    ) -> Result<&mut [u8], Trap> {
        let MemArgTarget::Memory(index) = arg.target else { panic!("{arg:?} is of an array") };
        let memory = self.memory(frame, index);
        let start = base.checked_add(arg.offset).ok_or(Trap::MemoryOutOfBounds)?;
        let range = range(&memory.data, start, width)?;
        Ok(&mut memory.data[range])
    }

    /// Pops an address; the number that is there, without sign.
    pub(super) fn load(&mut self, frame: &mut Frame<'a>, arg: &MemArg, width: u64) -> Result<u64, Trap> {
        let bytes = self.place(frame, arg, width)?;
        Ok(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// Pops an address; puts a number's lower bytes there.
    pub(super) fn store(
        &mut self,
        frame: &mut Frame<'a>,
        arg: &MemArg,
        width: u64,
        number: u64,
    ) -> Result<(), Trap> {
        let bytes = self.place(frame, arg, width)?;
        bytes.copy_from_slice(&number.to_le_bytes()[..width as usize]);
        Ok(())
    }
}

/// Executes an operator on a memory, or passes it on.
///
/// # Errors
/// If it traps.
pub(super) fn execute<'a>(op: &O<'a>, store: &mut Store<'a>, frame: &mut Frame<'a>) -> Result<(), Trap> {
    match op {
        O::I32Load { memarg } => {
            let x = store.load(frame, memarg, 4)?;
            frame.operands.push(x as u32);
        }
        O::I64Load { memarg } => {
            let x = store.load(frame, memarg, 8)?;
            frame.operands.push(x);
        }
        O::F32Load { memarg } => {
            let x = store.load(frame, memarg, 4)?;
            frame.operands.push(f32::from_bits(x as u32));
        }
        O::F64Load { memarg } => {
            let x = store.load(frame, memarg, 8)?;
            frame.operands.push(f64::from_bits(x));
        }
        O::I32Load8S { memarg } => {
            let x = store.load(frame, memarg, 1)?;
            frame.operands.push(i32::from(x as i8));
        }
        O::I32Load8U { memarg } => {
            let x = store.load(frame, memarg, 1)?;
            frame.operands.push(x as u32);
        }
        O::I32Load16S { memarg } => {
            let x = store.load(frame, memarg, 2)?;
            frame.operands.push(i32::from(x as i16));
        }
        O::I32Load16U { memarg } => {
            let x = store.load(frame, memarg, 2)?;
            frame.operands.push(x as u32);
        }
        O::I64Load8S { memarg } => {
            let x = store.load(frame, memarg, 1)?;
            frame.operands.push(i64::from(x as i8));
        }
        O::I64Load8U { memarg } => {
            let x = store.load(frame, memarg, 1)?;
            frame.operands.push(x);
        }
        O::I64Load16S { memarg } => {
            let x = store.load(frame, memarg, 2)?;
            frame.operands.push(i64::from(x as i16));
        }
        O::I64Load16U { memarg } => {
            let x = store.load(frame, memarg, 2)?;
            frame.operands.push(x);
        }
        O::I64Load32S { memarg } => {
            let x = store.load(frame, memarg, 4)?;
            frame.operands.push(i64::from(x as i32));
        }
        O::I64Load32U { memarg } => {
            let x = store.load(frame, memarg, 4)?;
            frame.operands.push(x);
        }
        O::I32Store { memarg } => {
            let x = frame.operands.take::<u32>();
            store.store(frame, memarg, 4, x.into())?;
        }
        O::I64Store { memarg } => {
            let x = frame.operands.take::<u64>();
            store.store(frame, memarg, 8, x)?;
        }
        O::F32Store { memarg } => {
            let x = frame.operands.take::<f32>();
            store.store(frame, memarg, 4, x.to_bits().into())?;
        }
        O::F64Store { memarg } => {
            let x = frame.operands.take::<f64>();
            store.store(frame, memarg, 8, x.to_bits())?;
        }
        O::I32Store8 { memarg } => {
            let x = frame.operands.take::<u32>();
            store.store(frame, memarg, 1, x.into())?;
        }
        O::I32Store16 { memarg } => {
            let x = frame.operands.take::<u32>();
            store.store(frame, memarg, 2, x.into())?;
        }
        O::I64Store8 { memarg } => {
            let x = frame.operands.take::<u64>();
            store.store(frame, memarg, 1, x)?;
        }
        O::I64Store16 { memarg } => {
            let x = frame.operands.take::<u64>();
            store.store(frame, memarg, 2, x)?;
        }
        O::I64Store32 { memarg } => {
            let x = frame.operands.take::<u64>();
            store.store(frame, memarg, 4, x)?;
        }
        _ => return whole(op, store, frame),
    }
    Ok(())
}

/// Sizes, and operators on many bytes. What they check, they check before the first
/// byte changes.
fn whole<'a>(op: &O<'a>, store: &mut Store<'a>, frame: &mut Frame<'a>) -> Result<(), Trap> {
    match op {
        O::MemorySize { mem } => {
            let memory = store.memory(frame, *mem);
            let pages = memory.data.len() as u64 / PAGE;
            let size = memory.index(pages);
            frame.operands.0.push(size);
        }
        O::MemoryGrow { mem } => {
            let pages = frame.operands.pop_index();
            let most = store.limits.memory_bytes;
            let memory = store.memory(frame, *mem);
            let before = memory.grow(pages, most).unwrap_or(u64::MAX);
            let before = memory.index(before);
            frame.operands.0.push(before);
        }
        O::MemoryFill { mem } => {
            let length = frame.operands.pop_index();
            let byte = frame.operands.take::<u32>() as u8;
            let start = frame.operands.pop_index();
            let data = &mut store.memory(frame, *mem).data;
            let range = range(data, start, length)?;
            data[range].fill(byte);
        }
        O::MemoryCopy { dst_mem, src_mem } => {
            let length = frame.operands.pop_index();
            let from = frame.operands.pop_index();
            let to = frame.operands.pop_index();
            let source = &store.memory(frame, *src_mem).data;
            // A copy, so that it does not matter whether they overlap.
            let bytes = source[range(source, from, length)?].to_vec();
            let target = &mut store.memory(frame, *dst_mem).data;
            let to = range(target, to, length)?;
            target[to].copy_from_slice(&bytes);
        }
        O::MemoryInit { data_index, mem } => {
            let length = frame.operands.pop_index();
            let from = frame.operands.pop_index();
            let to = frame.operands.pop_index();
            let source = store.instances[frame.instance].datas[*data_index as usize];
            let bytes = &source[range(source, from, length)?];
            let target = &mut store.memory(frame, *mem).data;
            let to = range(target, to, length)?;
            target[to].copy_from_slice(bytes);
        }
        O::DataDrop { data_index } => {
            store.instances[frame.instance].datas[*data_index as usize] = &[];
        }
        _ => return crate::simd_memory::execute(op, store, frame),
    }
    Ok(())
}
