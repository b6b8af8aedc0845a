//! Executing operators on the state of a frame.
//!
//! An operator either happens completely, or changes nothing and ends the run: what
//! may end it is looked at before anything is taken off the stack.

use super::environment::Environment;
use super::op::{Bits, Label, Op, Place};
use super::ops::{replace_bytes, shuffle};
use super::types::low_bits;
use super::{Body, Overlay, Value};
use crate::Trap;

const PAGE: usize = 1 << 16;

/// What came of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It is done, and the next one is up.
    Next,
    /// It is not done: the run ends before it.
    End(End),
}

/// Why a run ends at an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It calls.
    Call {
        /// Whom.
        callee: Callee,
        /// Whether the callee takes the place of the function.
        tail: bool,
    },
    /// It acts beyond the frame and linear memory: growing, table and bulk operations.
    /// Whether it would trap is not known.
    Effect,
    /// It throws.
    Throw,
    /// It returns from the function: [`super::Shadow::results`].
    Return,
    /// It traps.
    Trap(Trap),
    /// What it does depends on a value that is not available.
    Unavailable,
}

/// Whom a function calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callee {
    /// The function with this index in the module.
    Function(u32),
    /// The one that this reference is to; it has the right type.
    Reference(u64),
}

/// The state of a frame before an operator, and what was written on the way.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub position: u32,
    pub locals: Vec<Value>,
    pub stack: Vec<Value>,
    pub overlay: Overlay,
}

impl State {
    /// The operand so many below the topmost.
    pub fn operand(&self, below_top: usize) -> Value {
        self.stack.len().checked_sub(below_top + 1).and_then(|index| self.stack[index])
    }

    fn known(&self, below_top: usize) -> Result<Bits, End> {
        self.operand(below_top).ok_or(End::Unavailable)
    }

    fn pop(&mut self) -> Value {
        self.stack.pop().flatten()
    }

    /// Puts a result in the place of the topmost `count` operands.
    fn replace(&mut self, count: usize, result: Value) {
        self.stack.truncate(self.stack.len().saturating_sub(count));
        self.stack.push(result);
    }

    fn drop(&mut self, count: usize) {
        self.stack.truncate(self.stack.len().saturating_sub(count));
    }

    /// Executes the operator at the position; returns the next position.
    #[inline]
    pub fn execute(&mut self, body: &Body, env: &(impl Environment + ?Sized)) -> Result<u32, End> {
        let next = self.position + 1;
        match body.ops[self.position as usize] {
            Op::Nop => {}
            Op::LocalGet(local) => self.stack.push(self.locals[local as usize]),
            Op::LocalSet(local) => self.locals[local as usize] = self.pop(),
            Op::LocalTee(local) => self.locals[local as usize] = self.operand(0),
            Op::Const(bits) => self.stack.push(Some(bits.into())),
            Op::Unary(f) => {
                let result = self.operand(0).map(f);
                self.replace(1, result);
            }
            Op::Binary(f) => {
                let y = self.pop();
                let result = self.operand(0).zip(y).map(|(x, y)| f(x, y));
                self.replace(1, result);
            }
            Op::Load { bytes, place, make } => {
                let loaded = self.load(env, body.places[place as usize], self.known(0)?, bytes)?;
                self.replace(1, Some(make(loaded)));
            }
            Op::Store { bytes, place } => {
                let (address, value) = (self.known(1)?, self.known(0)?);
                self.store(env, body.places[place as usize], address, value, bytes)?;
                self.drop(2);
            }
            Op::If(otherwise) => {
                let holds = self.known(0)? != 0;
                self.drop(1);
                return Ok(if holds { next } else { otherwise });
            }
            Op::BrIf(label) => {
                if self.known(0)? != 0 {
                    return self.branch(body.labels[label as usize], 1);
                }
                self.drop(1);
            }
            Op::Br(label) => return self.branch(body.labels[label as usize], 0),
            Op::Jump(op) => return Ok(op),
            Op::BrTable { first, count } => {
                let number = self.known(0)?.min(count.into()) as u32;
                let label = body.lists[(first + number) as usize];
                return self.branch(body.labels[label as usize], 1);
            }
            _ => self.execute_rare(body, env)?,
        }
        Ok(next)
    }

    /// The operators that are not in inner loops.
    fn execute_rare(&mut self, body: &Body, env: &(impl Environment + ?Sized)) -> Result<(), End> {
        match body.ops[self.position as usize] {
            Op::Unreachable => return Err(End::Trap(Trap::UnreachableCodeReached)),
            Op::Return => return Err(End::Return),
            Op::Effect => return Err(End::Effect),
            Op::Throw => return Err(End::Throw),
            Op::ThrowRef => {
                let null = self.known(0)? == 0;
                return Err(if null { End::Trap(Trap::NullReference) } else { End::Throw });
            }
            Op::Call { func, tail } => return Err(End::Call { callee: Callee::Function(func), tail }),
            Op::CallIndirect { ty, table, tail } => {
                let reference = element(env, table, self.known(0)?)?;
                return Err(if reference == 0 {
                    End::Trap(Trap::IndirectCallToNull)
                } else if !env.has_type(reference, ty) {
                    End::Trap(Trap::BadSignature)
                } else {
                    End::Call { callee: Callee::Reference(reference), tail }
                });
            }
            Op::Rmw { bytes, place, make } => {
                let (place, address, operand) = (body.places[place as usize], self.known(1)?, self.known(0)?);
                let old = self.load(env, place, address, bytes)?;
                self.store(env, place, address, make(old, operand), bytes)?;
                self.replace(2, Some(old));
            }
            Op::CompareExchange { bytes, place } => {
                let (place, address) = (body.places[place as usize], self.known(2)?);
                let (expected, replacement) = (self.known(1)?, self.known(0)?);
                let old = self.load(env, place, address, bytes)?;
                if old == low_bits(expected, 8 * u32::from(bytes)) {
                    self.store(env, place, address, replacement, bytes)?;
                }
                self.replace(3, Some(old));
            }
            Op::Notify { place } => {
                self.load(env, body.places[place as usize], self.known(1)?, 4)?;
                self.replace(2, Some(0));
            }
            Op::Wait => return Err(End::Trap(Trap::AtomicWait)),
            Op::Drop => self.drop(1),
            Op::Select => {
                let chosen = self.operand(0).and_then(|holds| self.operand(if holds != 0 { 2 } else { 1 }));
                self.replace(3, chosen);
            }
            Op::GlobalGet { global, width } => {
                let written = self.overlay.global(env.global_key(global));
                let bits = written.unwrap_or_else(|| env.global(global));
                self.stack.push(Some(low_bits(bits, width)));
            }
            Op::GlobalSet(global) => {
                let bits = self.known(0)?;
                self.overlay.set_global(env.global_key(global), bits);
                self.drop(1);
            }
            Op::TableGet(table) => {
                let reference = element(env, table, self.known(0)?)?;
                self.replace(1, Some(reference.into()));
            }
            Op::TableSize(table) => self.stack.push(Some(env.table(table).len() as Bits)),
            Op::MemorySize(memory) => self.stack.push(Some((env.memory(memory).len() / PAGE) as Bits)),
            Op::RefFunc(func) => self.stack.push(Some(env.function(func).into())),
            Op::ConstVector(vector) => self.stack.push(Some(body.vectors[vector as usize])),
            Op::Ternary(f) => {
                let (x, y, z) = (self.operand(2), self.operand(1), self.operand(0));
                self.replace(3, x.zip(y).zip(z).map(|((x, y), z)| f(x, y, z)));
            }
            Op::TryUnary(f) => {
                let result = f(self.known(0)?).map_err(End::Trap)?;
                self.replace(1, Some(result));
            }
            Op::TryBinary(f) => {
                let result = f(self.known(1)?, self.known(0)?).map_err(End::Trap)?;
                self.replace(2, Some(result));
            }
            Op::ExtractLane(f, lane) => {
                let result = self.operand(0).map(|vector| f(vector, lane));
                self.replace(1, result);
            }
            Op::ReplaceLane(f, lane) => {
                let result = self.operand(1).zip(self.operand(0));
                self.replace(2, result.map(|(vector, value)| f(vector, value, lane)));
            }
            Op::Shuffle(numbers) => {
                let numbers = body.vectors[numbers as usize];
                let result = self.operand(1).zip(self.operand(0)).map(|(x, y)| shuffle(x, y, numbers));
                self.replace(2, result);
            }
            Op::LoadLane { bytes, lane, place } => {
                let loaded = self.load(env, body.places[place as usize], self.known(1)?, bytes)?;
                let result = self.operand(0).map(|vector| replace_bytes(vector, loaded, lane, bytes));
                self.replace(2, result);
            }
            Op::StoreLane { bytes, lane, place } => {
                let (address, vector) = (self.known(1)?, self.known(0)?);
                let value = vector >> (u32::from(lane) * u32::from(bytes) * 8 % 128);
                self.store(env, body.places[place as usize], address, value, bytes)?;
                self.drop(2);
            }
            // What is dead is not known; the rest is executed by the caller.
            _ => return Err(End::Unavailable),
        }
        Ok(())
    }

    /// Goes to a label, without the topmost `operands` operands.
    fn branch(&mut self, label: Label, operands: usize) -> Result<u32, End> {
        if label.op == Label::RETURN {
            return Err(End::Return);
        }
        self.drop(operands);
        let below = self.stack.len().saturating_sub(label.arity as usize);
        let height = (label.height as usize).min(below);
        if height < below {
            self.stack.copy_within(below.., height);
            self.stack.truncate(height + label.arity as usize);
        }
        Ok(label.op)
    }

    fn load(
        &self,
        env: &(impl Environment + ?Sized),
        place: Place,
        index: Bits,
        bytes: u8,
    ) -> Result<Bits, End> {
        let memory = env.memory(place.memory);
        let start = place.address(index, bytes, memory.len())?;
        let mut buffer = [0; 16];
        let loaded = &mut buffer[..usize::from(bytes)];
        loaded.copy_from_slice(&memory[start..][..usize::from(bytes)]);
        if !self.overlay.is_empty() {
            self.overlay.read(env.memory_key(place.memory), start as u64, loaded);
        }
        Ok(u128::from_le_bytes(buffer))
    }

    fn store(
        &mut self,
        env: &(impl Environment + ?Sized),
        place: Place,
        index: Bits,
        value: Bits,
        bytes: u8,
    ) -> Result<(), End> {
        let start = place.address(index, bytes, env.memory(place.memory).len())?;
        let value = &value.to_le_bytes()[..usize::from(bytes)];
        self.overlay.write(env.memory_key(place.memory), start as u64, value);
        Ok(())
    }
}

impl Place {
    /// Where an access of so many bytes begins in a memory of `len` bytes.
    fn address(self, index: Bits, bytes: u8, len: usize) -> Result<usize, End> {
        let start = Bits::from(index as u64) + Bits::from(self.offset);
        if self.aligned && start % Bits::from(bytes) != 0 {
            return Err(End::Trap(Trap::UnalignedAtomic));
        }
        if start + Bits::from(bytes) > len as Bits {
            return Err(End::Trap(Trap::MemoryOutOfBounds));
        }
        Ok(start as usize)
    }
}

/// An element of a table.
fn element(env: &(impl Environment + ?Sized), table: u32, index: Bits) -> Result<u64, End> {
    let element = usize::try_from(index).ok().and_then(|index| env.table(table).get(index));
    element.copied().ok_or(End::Trap(Trap::TableOutOfBounds))
}
