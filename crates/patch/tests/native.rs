//! Native code: calls, traps, exceptions, switches.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

mod common;
use common::*;
use sidetrack_artifact::*;
use sidetrack_patch::exec::{ExecTrap, HostSymbols, LoadError, Native};

fn load(functions: Vec<CompiledFunction>) -> Native {
    Native::load(link(functions), &HostSymbols::default()).unwrap()
}

#[test]
fn a_site_is_switched_off_and_on() {
    for initially in [true, false] {
        let mut native = load(vec![hook(), caller("f", 3, initially)]);
        let mut slots = [0];
        let mut on = initially;
        for _ in 0..4 {
            let before = slots[0];
            native.run(&name("f"), &mut slots).unwrap();
            assert_eq!(slots[0] - before, u64::from(on));
            assert_eq!(native.memory().is_on(0), Some(on));
            on = !on;
            assert_eq!(native.patch(&name("f"), 7, on), Ok(1));
        }
        assert_eq!(native.patch(&name("f"), 8, on), Ok(0));
        assert_eq!(native.patch(&name("g"), 7, on), Ok(0));
    }
}

#[test]
fn a_site_calls_an_import_through_its_veneer() {
    extern "C" fn add_ten(slot: &mut u64) {
        *slot += 10;
    }
    let mut builder = ImageBuilder::new(Architecture::X86_64);
    // rsp is 16-byte aligned at the call: push rbp; site; pop rbp; ret
    let f = Asm::new("f").bytes(&[0x55]).site("hook", 7, false).bytes(&[0x5D, RET]).f;
    builder.add(f).import(name("hook"));
    let image = builder.finish().unwrap();
    let mut symbols = HostSymbols::default();
    assert!(matches!(Native::load(image.clone(), &symbols), Err(LoadError::Memory(_))));
    // SAFETY: add_ten takes the pointer that the site passes in rdi.
    unsafe { symbols.define(name("hook"), add_ten as *const () as u64) };
    let mut native = Native::load(image, &symbols).unwrap();
    let mut slots = [0];
    native.run(&name("f"), &mut slots).unwrap();
    assert_eq!(slots, [0]);
    native.patch(&name("f"), 7, true).unwrap();
    native.run(&name("f"), &mut slots).unwrap();
    assert_eq!(slots, [10]);
}

#[test]
fn absolute_addresses_follow_the_image() {
    // mov rax, &g; call rax; ret, and g: mov [rdi], 5; ret
    let f = Asm::new("f").bytes(&[0x48, 0xB8]).reloc(RelocKind::Abs8, "g", 0).bytes(&[0xFF, 0xD0, RET]).f;
    let g = Asm::new("g").bytes(&[0x48, 0xC7, 0x07, 5, 0, 0, 0, RET]).f;
    let native = load(vec![f, g]);
    let mut slots = [0];
    native.run(&name("f"), &mut slots).unwrap();
    assert_eq!(slots, [5]);
    let copy = native.memory().private_copy().unwrap();
    let address = u64::from_le_bytes(copy.bytes()[2..10].try_into().unwrap());
    assert_eq!(address, copy.base() as u64 + u64::from(copy.image().symbol(&name("g")).unwrap().offset));
}

#[test]
fn library_calls_round() {
    // movsd xmm0, [rdi]; push rdi; call %FloorF64; pop rdi; movsd [rdi], xmm0; ret
    let f = Asm::new("f")
        .bytes(&[0xF2, 0x0F, 0x10, 0x07, 0x57])
        .call("FloorF64")
        .bytes(&[0x5F, 0xF2, 0x0F, 0x11, 0x07, RET])
        .f;
    let mut slots = [2.75f64.to_bits()];
    load(vec![f]).run(&name("f"), &mut slots).unwrap();
    assert_eq!(f64::from_bits(slots[0]), 2.0);
}

#[test]
fn traps_are_values() {
    let cases: [(&str, &[u8], TrapCode); 3] = [
        ("ud2", &[0x0F, 0x0B], TrapCode::User(3)),
        ("div", &[0xF7, 0xF1], TrapCode::IntegerDivisionByZero),
        ("load", &[0x8B, 0x01], TrapCode::HeapOutOfBounds),
    ];
    for (text, inst, code) in cases {
        // xor ecx, ecx; inst; and a caller with a frame, so that a frame is skipped.
        let f = Asm::new(text).bytes(&[0x31, 0xC9]).trap(code).bytes(inst).bytes(&[RET]).f;
        let outer = Asm::new("outer").bytes(&[0x55, 0x53]).call(text).bytes(&[0x5B, 0x5D, RET]).f;
        let native = load(vec![outer, f]);
        for _ in 0..3 {
            match native.run(&name("outer"), &mut []).unwrap_err() {
                ExecTrap::Trap { code: found, place } => {
                    let start = native.memory().image().symbol(&name(text)).unwrap().offset;
                    assert_eq!((found, place.offset, place.function), (code, start + 2, Some(name(text))));
                }
                other => panic!("{text}: {other}"),
            }
        }
    }
}

#[test]
fn a_fault_that_the_image_does_not_list_is_reported_as_such() {
    let native = load(vec![Asm::new("f").bytes(&[0x0F, 0x0B]).f]);
    assert!(matches!(native.run(&name("f"), &mut []), Err(ExecTrap::Fault { .. })));
    assert!(matches!(native.run(&name("g"), &mut []), Err(ExecTrap::NoSuchFunction(_))));
}

#[test]
fn endless_recursion_is_a_trap_on_any_thread() {
    let run = || {
        let native = load(vec![Asm::new("f").bytes(&[0x55]).call("f").bytes(&[0x5D, RET]).f]);
        for _ in 0..3 {
            let trap = native.run(&name("f"), &mut []);
            assert!(matches!(trap, Err(ExecTrap::Trap { code: TrapCode::StackOverflow, .. })), "{trap:?}");
        }
    };
    run();
    std::thread::spawn(run).join().unwrap();
}

/// `f(slots)`: a frame of 32 bytes with the slots' address in it, which calls `middle`
/// with handlers; each handler stores its number and the payloads.
fn thrower(tag: u8) -> Vec<CompiledFunction> {
    let mut f = Asm::new("f")
        .bytes(&[0x55, 0x48, 0x89, 0xE5, 0x48, 0x83, 0xEC, 0x20]) // push rbp; mov rbp,rsp; sub rsp,32
        .bytes(&[0x48, 0x89, 0x3C, 0x24]) // mov [rsp], rdi
        .bytes(&[0xE8])
        .reloc(RelocKind::X86CallPcRel4, "middle", -4);
    let after = f.here();
    let epilogue = [0xC9, RET]; // leave; ret
    f = f.bytes(&epilogue);
    let mut handlers = vec![];
    for (number, clause) in [(1u8, Some(5)), (2, None)] {
        let handler = f.here();
        handlers.push(match clause {
            Some(tag) => ExceptionHandler::Tag { tag, handler },
            None => ExceptionHandler::Default { handler },
        });
        f = f
            .bytes(&[0x48, 0x8B, 0x3C, 0x24]) // mov rdi, [rsp]
            .bytes(&[0x48, 0xC7, 0x07, number, 0, 0, 0]) // mov [rdi], number
            .bytes(&[0x48, 0x89, 0x47, 8, 0x48, 0x89, 0x57, 16]) // mov [rdi+8], rax; mov [rdi+16], rdx
            .bytes(&epilogue);
    }
    f.f.call_sites.push(CallSite { return_offset: after, frame_offset: 32, handlers });
    // A frame between that handles nothing: mov edi,tag; mov esi,11; mov edx,22; call throw
    let middle = Asm::new("middle")
        .bytes(&[0x55, 0x48, 0x89, 0xE5, 0xBF, tag, 0, 0, 0, 0xBE, 11, 0, 0, 0, 0xBA, 22, 0, 0, 0])
        .call("throw")
        .bytes(&[0x0F, 0x0B])
        .f;
    vec![f.f, middle]
}

#[test]
fn exceptions_reach_their_handlers() {
    for (tag, number) in [(5, 1), (6, 2)] {
        let native = load(thrower(tag));
        let mut slots = [0; 3];
        for _ in 0..3 {
            slots = [0; 3];
            native.run(&name("f"), &mut slots).unwrap();
        }
        assert_eq!(slots, [number, 11, 22]);
        let uncaught = ExecTrap::Uncaught { tag: u64::from(tag), payloads: [11, 22] };
        assert_eq!(native.run(&name("middle"), &mut []), Err(uncaught));
    }
}

#[test]
fn an_image_of_another_architecture_does_not_load() {
    let image = ImageBuilder::new(Architecture::Pulley64).finish().unwrap();
    assert!(matches!(Native::load(image, &HostSymbols::default()), Err(LoadError::Architecture { .. })));
}
