//! Compiled functions put together by hand.
#![allow(dead_code)] // each test binary uses a part

pub mod code;

use sidetrack_artifact::*;
use sidetrack_patch::exec::{ExecTrap, Native, Pulley};

/// Calls functions of code that a test has put together, with slots that are enough for it.
pub trait Run {
    fn run(self, name: &SymbolName, slots: &mut [u64]) -> Result<(), ExecTrap>;
}

impl Run for &Native {
    fn run(self, name: &SymbolName, slots: &mut [u64]) -> Result<(), ExecTrap> {
        // SAFETY: the test knows what its code does.
        unsafe { self.invoke(name, slots) }
    }
}

impl Run for &mut Pulley {
    fn run(self, name: &SymbolName, slots: &mut [u64]) -> Result<(), ExecTrap> {
        // SAFETY: the test knows what its code does.
        unsafe { self.invoke(name, slots) }
    }
}

pub fn name(text: &str) -> SymbolName {
    SymbolName::Named(text.to_string())
}

pub fn function(text: &str, code: Vec<u8>) -> CompiledFunction {
    CompiledFunction {
        name: name(text),
        code,
        alignment: 16,
        relocs: vec![],
        traps: vec![],
        call_sites: vec![],
        patch_sites: vec![],
        states: Vec::new(),
        trap_states: Vec::new(),
        unwind: UnwindInfo::default(),
        sources: vec![],
        frame_size: 0,
    }
}

/// Puts together one x86-64 function.
pub struct Asm {
    pub f: CompiledFunction,
}

impl Asm {
    pub fn new(text: &str) -> Self {
        Asm { f: function(text, vec![]) }
    }

    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.f.code.extend_from_slice(bytes);
        self
    }

    pub fn here(&self) -> u32 {
        self.f.code.len() as u32
    }

    /// A trap at the next instruction.
    pub fn trap(mut self, code: TrapCode) -> Self {
        let offset = self.here();
        self.f.traps.push(TrapSite { offset, code });
        self
    }

    pub fn reloc(mut self, kind: RelocKind, symbol: &str, addend: i64) -> Self {
        let offset = self.here();
        self.f.relocs.push(Reloc { offset, kind, symbol: name(symbol), addend });
        self.bytes(&vec![0; kind.size() as usize])
    }

    pub fn call(self, symbol: &str) -> Self {
        self.bytes(&[0xE8]).reloc(RelocKind::X86CallPcRel4, symbol, -4).call_site(0, vec![])
    }

    /// Records a call that ends here.
    pub fn call_site(mut self, frame_offset: u32, handlers: Vec<ExceptionHandler>) -> Self {
        let return_offset = self.here();
        self.f.call_sites.push(CallSite { return_offset, frame_offset, handlers });
        self
    }

    /// Records a call that ended at `return_offset`.
    pub fn call_site_at(
        mut self,
        return_offset: u32,
        frame_offset: u32,
        handlers: Vec<ExceptionHandler>,
    ) -> Self {
        self.f.call_sites.push(CallSite { return_offset, frame_offset, handlers });
        self
    }

    /// A patchable call of `symbol`.
    pub fn site(mut self, symbol: &str, tag: u64, on: bool) -> Self {
        let start = self.here();
        self = self.call(symbol);
        let (on_bytes, off) = (vec![0xE8, 0, 0, 0, 0], vec![0x0F, 0x1F, 0x44, 0, 0]);
        if !on {
            self.f.code[start as usize..].copy_from_slice(&off);
        }
        self.f.patch_sites.push(PatchSite {
            end: start + 5,
            len: 5,
            tag,
            target: PatchTarget::Symbol(name(symbol)),
            kind: SiteKind::Call,
            initially_on: on,
            on: on_bytes,
            off,
        });
        self
    }
}

pub const RET: u8 = 0xC3;

/// `hook`: adds 1 to the slot that rdi points to.
pub fn hook() -> CompiledFunction {
    Asm::new("hook").bytes(&[0x48, 0xFF, 0x07, RET]).f // inc qword [rdi]; ret
}

/// `f`: a site with tag 7, padded to offset `pad` in the function.
pub fn caller(text: &str, pad: usize, on: bool) -> CompiledFunction {
    Asm::new(text).bytes(&vec![0x90; pad]).site("hook", 7, on).bytes(&[RET]).f
}

pub fn link(functions: Vec<CompiledFunction>) -> Image {
    sidetrack_patch::exec::link(Architecture::X86_64, functions).unwrap()
}
