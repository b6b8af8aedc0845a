//! What the operators between a site and a stop read and write.
//!
//! Problem: native code has not done them when the program is stopped, and does them
//! when it goes on. What a debugger writes where they read would come too early, and
//! where they write be gone. Approach: go the way from the site again and look.

use super::instance_env::InstanceEnv;
use super::op::Op;
use super::stop::{Stopped, shadow_of_site};
use super::{Environment, Step};
use crate::Result;
use crate::store::StoreOpaque;

/// What a debugger wants to write.
#[derive(Clone, Copy, Debug)]
pub(super) enum Touched {
    /// Bytes of the memory that has this number in its store.
    Memory { number: u64, address: u64, len: u64 },
    /// The global that has this number in its store.
    Global { number: u64 },
}

/// The wasm pc of the first operator between the site and the stop that uses the place.
pub(super) fn touched_at(store: &mut StoreOpaque, stop: &Stopped<'_>, place: Touched) -> Result<Option<u32>> {
    let mut shadow = shadow_of_site(store, stop)?;
    let env = InstanceEnv { store, instance: stop.instance.get(store) };
    let body = stop.func.body();
    // Each operator is in its run but once.
    for _ in 0..body.len() {
        let op = shadow.position();
        if op == stop.op {
            break;
        }
        let touches = match (place, body.ops[op as usize]) {
            (Touched::Global { number }, Op::GlobalGet { global, .. } | Op::GlobalSet(global)) => {
                env.global_key(global) == number
            }
            (Touched::Memory { number, address, len }, _) => shadow.access().is_some_and(|access| {
                let overlaps = access.address < address.saturating_add(len)
                    && address < access.address.saturating_add(access.bytes.into());
                overlaps && env.memory_key(access.memory) == number
            }),
            (Touched::Global { .. }, _) => false,
        };
        if touches {
            return Ok(Some(body.pc(op)));
        }
        if let Step::End(_) = shadow.step(&env) {
            break;
        }
    }
    Ok(None)
}
