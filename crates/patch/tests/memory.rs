//! Code memory and sessions: protection, copies, refusals, cost.
#![cfg(target_os = "linux")]

mod common;
use common::*;
use sidetrack_artifact::*;
use sidetrack_patch::exec::{HostSymbols, Native};
use sidetrack_patch::{CodeMemory, PatchError, run};
use std::sync::Arc;

fn memory(functions: Vec<CompiledFunction>) -> CodeMemory {
    CodeMemory::new(Arc::new(link(functions)), &mut |_| None).unwrap()
}

/// The permissions of the page at `address`, as the system shows them.
fn permissions(address: usize) -> String {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let line = maps.lines().find(|line| {
        let (start, end) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
        let parse = |text| usize::from_str_radix(text, 16).unwrap();
        (parse(start)..parse(end)).contains(&address)
    });
    line.unwrap().split(' ').nth(1).unwrap()[..3].to_string()
}

#[test]
fn code_is_never_writable_and_executable() {
    let mut memory = memory(vec![hook(), caller("f", 0, true)]);
    let base = memory.base() as usize;
    assert_eq!(permissions(base), "r-x");
    memory.unpublish().unwrap();
    assert_eq!(permissions(base), "rw-");
    assert_eq!(memory.session().set(0, false), Err(PatchError::Unpublished));
    memory.publish().unwrap();
    let mut session = memory.session();
    session.set(0, false).unwrap();
    drop(session);
    assert_eq!(permissions(base), "r-x");
    let live = CodeMemory::new_live(memory.image().clone(), &mut |_| None).unwrap();
    assert_eq!(permissions(live.base() as usize), "r-x");
}

#[test]
fn copies_do_not_see_each_other() {
    let mut first = memory(vec![hook(), caller("f", 0, true)]);
    first.session().set(0, false).unwrap();
    let mut second = first.private_copy().unwrap();
    assert_eq!((first.is_on(0), second.is_on(0)), (Some(false), Some(true)));
    let third = second.private_copy().unwrap();
    second.session().set(0, false).unwrap();
    first.session().set(0, true).unwrap();
    assert_eq!((first.is_on(0), second.is_on(0), third.is_on(0)), (Some(true), Some(false), Some(true)));
    assert_eq!(first.is_on(1), None);
}

#[test]
fn a_copy_costs_the_pages_it_touches() {
    let functions = std::iter::once(hook()).chain((0..100).map(|i| caller(&format!("f{i}"), 4096, true)));
    let first = memory(functions.collect());
    let mut copy = first.private_copy().unwrap();
    let mut session = copy.session();
    session.set(10, false).unwrap();
    session.set(90, false).unwrap();
    session.commit();
    let smaps = std::fs::read_to_string("/proc/self/smaps").unwrap();
    let (mut inside, mut anonymous) = (false, 0);
    for line in smaps.lines() {
        if let Some((start, _)) = line.split_once('-').filter(|_| line.contains(" r")) {
            let start = usize::from_str_radix(start, 16).unwrap_or(0);
            inside = copy.addresses().contains(&start);
        } else if inside && line.starts_with("Anonymous:") {
            anonymous += line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap();
        }
    }
    // A site may straddle two pages.
    assert!((8..=16).contains(&anonymous), "{anonymous} KiB");
}

#[test]
fn foreign_and_unknown_sites_are_refused() {
    let mut a = memory(vec![hook(), caller("f", 0, true)]);
    let other = link(vec![hook(), caller("f", 9, true)]);
    let mut session = a.session();
    assert_eq!(session.set(1, true), Err(PatchError::NoSuchSite { index: 1, count: 1 }));
    let site = other.patch_site(0).unwrap();
    assert_eq!(session.set_site(&site, true), Err(PatchError::Foreign { end: site.end, tag: 7 }));
    drop(session);
    let own = a.image().patch_site(0).unwrap();
    let changed = PatchSite { on: vec![0xCC; 5], ..own.clone() };
    assert!(matches!(a.session().set_site(&changed, true), Err(PatchError::Foreign { .. })));
    assert_eq!(a.is_on(0), Some(true));
    a.session().set_site(&own, false).unwrap();
    assert_eq!(a.is_on(0), Some(false));
    assert!(matches!(a.live(), Err(PatchError::NotLive)));
}

#[test]
fn live_memory_is_switched_in_one_way() {
    let image = memory(vec![hook(), caller("f", 0, true)]).image().clone();
    let mut live = CodeMemory::new_live(image.clone(), &mut |_| None).unwrap();
    assert_eq!(live.shared_session().set(0, false), Err(PatchError::Live));
    assert_eq!(live.ambush(), Err(PatchError::Live));
    // SAFETY: nobody executes the code.
    assert_eq!(unsafe { live.idle_session() }.set(0, false), Err(PatchError::Live));
    live.live().unwrap().set(0, false).unwrap();
    assert_eq!(live.is_on(0), Some(false));
    // Who has it to himself may do as he likes, and so may who has a copy.
    live.session().set(0, true).unwrap();
    assert_eq!(live.is_on(0), Some(true));
    live.private_copy().unwrap().shared_session().set(0, false).unwrap();
}

#[test]
fn the_last_switch_of_a_site_wins() {
    let mut memory = memory(vec![hook(), caller("f", 0, true), caller("g", 0, true)]);
    let mut session = memory.session();
    for (index, on) in [(1, false), (0, false), (0, true), (1, true), (1, false)] {
        session.set(index, on).unwrap();
    }
    session.commit();
    assert_eq!((memory.is_on(0), memory.is_on(1)), (Some(true), Some(false)));
}

#[test]
fn a_thousand_sites_are_switched_in_a_batch() {
    let functions = std::iter::once(hook()).chain((0..1000).map(|i| caller(&format!("f{i}"), 200, true)));
    let mut memory = memory(functions.collect());
    for on in [false, true, false] {
        let mut session = memory.session();
        for index in 0..1000 {
            session.set(index, on).unwrap();
        }
        session.commit();
        assert_eq!(memory.count_on(), if on { 1000 } else { 0 });
    }
}

#[cfg(target_arch = "x86_64")] // what the functions of these tests are code of
#[test]
fn code_that_nobody_executes_is_switched_as_it_stands() {
    let functions = std::iter::once(hook()).chain((0..20).map(|i| caller(&format!("f{i}"), 4091, false)));
    let native = Native::load(link(functions.collect()), &HostSymbols::default()).unwrap();
    let memory = native.memory();
    let other = memory.private_copy().unwrap();
    assert!(memory.is_pristine());
    let mut slots = [0];
    for (round, on) in [true, false, true, false].into_iter().enumerate() {
        // SAFETY: nobody executes the code but this thread, which serialises first.
        let mut session = unsafe { memory.idle_session() };
        session.set(3, !on).unwrap();
        session.set(3, on).unwrap();
        session.set(9, on).unwrap();
        session.commit();
        run::serialize();
        assert_eq!(memory.count_on(), if on { 2 } else { 0 });
        assert_eq!(permissions(memory.base() as usize + 4 * 4096), "r-x");
        native.run(&name("f3"), &mut slots).unwrap();
        native.run(&name("f4"), &mut slots).unwrap();
        assert_eq!(slots[0], (round as u64 + 2) / 2);
    }
    assert!(!memory.is_pristine());
    assert_eq!(other.count_on(), 0);
}

#[cfg(target_arch = "x86_64")] // as above
#[test]
fn an_ambush_leaves_the_code_as_it_is_switched() {
    // A site on each page, all off.
    let functions = std::iter::once(hook()).chain((0..20).map(|i| caller(&format!("f{i}"), 4091, false)));
    let native = Native::load(link(functions.collect()), &HostSymbols::default()).unwrap();
    let memory = native.memory();
    let base = memory.base() as usize;
    memory.ambush().unwrap();
    assert_eq!((permissions(base), memory.count_on()), ("r--".to_string(), 0));
    let mut slots = [0];
    native.run(&name("f3"), &mut slots).unwrap();
    assert_eq!(slots[0], 1, "the site is on");
    // The function's pages, no others.
    assert!((1..=3).contains(&memory.count_on()), "{}", memory.count_on());
    let mut session = memory.shared_session();
    session.set(3, true).unwrap();
    session.set(7, true).unwrap();
    session.commit();
    native.run(&name("f8"), &mut slots).unwrap();
    assert_eq!(slots[0], 2);
    memory.ambush().unwrap();
    memory.lift();
    memory.lift();
    assert_eq!((permissions(base), memory.count_on()), ("r-x".to_string(), 2));
    native.run(&name("f8"), &mut slots).unwrap();
    native.run(&name("f3"), &mut slots).unwrap();
    assert_eq!(slots[0], 3, "only what was switched on is");
}

/// How many files this process has open that are code's.
#[cfg(target_os = "linux")]
fn files() -> usize {
    let links =
        std::fs::read_dir("/proc/self/fd").unwrap().filter_map(|entry| entry.ok()?.path().read_link().ok());
    links.filter(|link| link.to_string_lossy().contains("sidetrack-code")).count()
}

#[cfg(target_os = "linux")]
#[test]
fn a_thousand_images_have_a_file_between_them() {
    let load = |i: u32| {
        let mut f = Asm::new("f");
        f = f.bytes(&i.to_le_bytes()).bytes(&vec![0xC3; (i as usize % 7) * 4096]);
        let image = link(vec![f.f]);
        CodeMemory::new(Arc::new(image), &mut |_| None).unwrap()
    };
    let mut memories: Vec<CodeMemory> = (0..1000).map(load).collect();
    assert!(files() <= 3, "{} files", files());
    // What goes takes nothing from the others, and copies are of what was loaded.
    let mut number = 0;
    memories.retain(|_| {
        number += 1;
        number % 3 == 0
    });
    memories.extend((1000..1100).map(load));
    let numbers = (0..1000).filter(|i| i % 3 == 2).chain(1000..1100);
    for (memory, number) in memories.iter().zip(numbers) {
        assert_eq!(memory.bytes()[..4], u32::to_le_bytes(number));
        assert_eq!(memory.private_copy().unwrap().bytes()[..4], u32::to_le_bytes(number));
    }
}
