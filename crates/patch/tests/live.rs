//! Switching a site while another thread executes it.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

mod common;
use common::*;
use sidetrack_patch::PatchError;
use sidetrack_patch::exec::{HostSymbols, Native};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

/// `run(slots)`: with the address of three counters in slots[0], until the third is
/// not 0, counts a round in the second and calls the hook, which counts in the first.
fn looping() -> sidetrack_artifact::CompiledFunction {
    // mov rdi, [rdi]; nop: the site then starts at offset 8.
    let body = Asm::new("run").bytes(&[0x48, 0x8B, 0x3F, 0x90]);
    let top = body.here();
    let body = body.bytes(&[0x48, 0xFF, 0x47, 8]).site("hook", 7, true); // inc qword [rdi+8]
    let body = body.bytes(&[0x48, 0x83, 0x7F, 16, 0]); // cmp qword [rdi+16], 0
    let distance = top as i64 - (body.here() as i64 + 2);
    body.bytes(&[0x74, distance as i8 as u8, RET]).f // je top
}

/// Flips the only site of `looping` while a thread runs it, and looks for calls after
/// it was switched off and for passes without one after it was switched on.
fn no_stale_call(native: &Native, flips: usize, set: &dyn Fn(bool)) {
    let slots: [AtomicU64; 3] = Default::default();
    std::thread::scope(|scope| {
        let runner = scope.spawn(|| native.run(&name("run"), &mut [slots.as_ptr() as u64]));
        let wait_rounds = |n: u64| {
            let target = slots[1].load(SeqCst) + n;
            let mut spins = 0;
            while slots[1].load(SeqCst) < target {
                // The runner may be waiting for this core.
                spins += 1;
                if spins % 1000 == 0 { std::thread::yield_now() } else { std::hint::spin_loop() }
            }
        };
        wait_rounds(1);
        let (mut stale, mut missed) = (0, 0);
        // On a machine that does something else each flip waits for the scheduler.
        let end = Instant::now() + Duration::from_secs(20);
        for flip in (0..flips).take_while(|flip| *flip < 500 || Instant::now() < end) {
            let on = flip % 2 == 1;
            set(on);
            // One call or one pass over the NOP may have begun before the flip.
            let hooks = slots[0].load(SeqCst);
            wait_rounds(5);
            let calls = slots[0].load(SeqCst) - hooks;
            stale += u64::from(!on && calls > 1);
            missed += u64::from(on && calls < 3);
        }
        slots[2].store(1, SeqCst);
        runner.join().unwrap().unwrap();
        assert_eq!((stale, missed), (0, 0));
    });
    assert!(slots[0].load(SeqCst) > 0);
}

#[test]
fn no_stale_call_after_a_synchronised_flip() {
    let native = Native::load_live(link(vec![hook(), looping()]), &HostSymbols::default()).unwrap();
    let live = native.memory().live().unwrap();
    no_stale_call(&native, 100_000, &|on| live.set(0, on).unwrap());
}

#[test]
fn no_stale_call_after_a_flip_of_pages() {
    let native = Native::load(link(vec![hook(), looping()]), &HostSymbols::default()).unwrap();
    no_stale_call(&native, 5_000, &|on| {
        let mut session = native.memory().shared_session();
        session.set(0, on).unwrap();
        session.commit();
    });
}

#[test]
fn a_site_that_crosses_eight_bytes_is_refused() {
    for pad in 0..16 {
        let native = Native::load_live(link(vec![hook(), caller("f", pad, true)]), &HostSymbols::default());
        let native = native.unwrap();
        let live = native.memory().live().unwrap();
        let crosses = pad % 8 > 3;
        let end = native.memory().image().site(0).unwrap().end;
        let expected = if crosses { Err(PatchError::Crosses { index: 0, end }) } else { Ok(()) };
        assert_eq!(live.set(0, false), expected, "pad {pad}");
        assert_eq!(native.memory().is_on(0), Some(crosses));
        let mut slots = [0];
        native.run(&name("f"), &mut slots).unwrap();
        assert_eq!(slots[0], u64::from(crosses));
    }
}
