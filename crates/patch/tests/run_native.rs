//! Entering and leaving native code on the thread's own stack.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

mod common;
use common::*;
use sidetrack_artifact::*;
use sidetrack_patch::CodeMemory;
use sidetrack_patch::run::{CallHooks, Exit, Machine, Registered, builtin_address, call, lookup, walk};
use std::sync::Arc;

/// A loaded image.
struct Code {
    registered: Registered,
}

impl Code {
    /// Links and loads functions; `resolve` gives addresses beyond those of the host.
    fn new(functions: Vec<CompiledFunction>, resolve: &dyn Fn(&str) -> Option<u64>) -> Code {
        let mut builder = ImageBuilder::new(Architecture::X86_64);
        for function in functions {
            builder.add(function);
        }
        for name in builder.undefined() {
            builder.import(name);
        }
        let image = Arc::new(builder.finish().unwrap());
        let mut address = |name: &SymbolName| {
            let text = name.to_string();
            resolve(&text[1..]).or_else(|| builtin_address(Architecture::X86_64, name))
        };
        let memory = CodeMemory::new(image, &mut address).unwrap();
        Code { registered: Registered::new(Arc::new(memory)) }
    }

    fn address(&self, text: &str) -> usize {
        let memory = self.registered.memory();
        memory.base() as usize + memory.image().symbol(&name(text)).unwrap().offset as usize
    }

    fn call(&self, text: &str, args: [u64; 4]) -> Result<(), Exit> {
        let machine = Machine::new(Architecture::X86_64, 0).unwrap();
        // SAFETY: the tests' functions take integers and keep the convention.
        unsafe { call(&machine, self.address(text) as *const u8, &args, &CallHooks::default()) }
    }
}

fn nobody(_: &str) -> Option<u64> {
    None
}

/// push rbp; mov rbp, rsp
const ENTER: [u8; 4] = [0x55, 0x48, 0x89, 0xE5];
/// leave; ret
const LEAVE: [u8; 2] = [0xC9, RET];

#[test]
fn four_arguments_arrive() {
    // mov [rdi], rsi; mov [rdi+8], rdx; mov [rdi+16], rcx; ret
    let f = Asm::new("f").bytes(&[0x48, 0x89, 0x37, 0x48, 0x89, 0x57, 8, 0x48, 0x89, 0x4F, 16, RET]).f;
    let code = Code::new(vec![f], &nobody);
    let mut slots = [0u64; 3];
    code.call("f", [slots.as_mut_ptr() as u64, 1, 2, 3]).unwrap();
    assert_eq!(slots, [1, 2, 3]);
}

#[test]
fn a_trap_tells_where_it_was() {
    // f: frame; call g, and g: frame; mov eax, [rdi]
    let f = Asm::new("f").bytes(&ENTER).call("g").bytes(&LEAVE).f;
    let g = Asm::new("g").bytes(&ENTER).trap(TrapCode::HeapOutOfBounds).bytes(&[0x8B, 0x07]).bytes(&LEAVE).f;
    let code = Code::new(vec![f, g], &nobody);
    for _ in 0..3 {
        match code.call("f", [0x1230, 0, 0, 0]).unwrap_err() {
            Exit::Trap { code: Some(TrapCode::HeapOutOfBounds), pc, fault_address, frames } => {
                assert_eq!(pc, code.address("g") + 4);
                assert_eq!(fault_address, Some(0x1230));
                let pcs: Vec<usize> = frames.iter().map(|frame| frame.pc).collect();
                assert_eq!(pcs, [pc, code.address("f") + 9]);
                assert_eq!(frames[1].fp - frames[0].fp, 16);
                assert!(lookup(pc).is_some());
            }
            other => panic!("{other:?}"),
        }
    }
    let address = code.address("f");
    drop(code);
    assert!(lookup(address).is_none());
    // SAFETY: the address is in no registered code, so no frame is looked at.
    assert_eq!(unsafe { walk(address, 0) }, []);
}
