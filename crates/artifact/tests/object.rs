//! Objects: linked by the C compiler, run, read back; unwind tables.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

use object::{Object, ObjectSection};
use sidetrack_artifact::*;
use std::process::Command;

fn name(text: &str) -> SymbolName {
    SymbolName::Named(text.to_string())
}

/// push rbp; mov rbp, rsp; a patchable call of `callee`; pop rbp; ret
fn caller(text: &str, callee: &str, tag: u64, on: bool) -> CompiledFunction {
    let (call, nop) = ([0xE8, 0, 0, 0, 0], [0x0F, 0x1F, 0x44, 0, 0]);
    let mut code = vec![0x55, 0x48, 0x89, 0xE5];
    code.extend_from_slice(if on { &call } else { &nop });
    code.extend_from_slice(&[0x5D, 0xC3]);
    CompiledFunction {
        name: name(text),
        code,
        alignment: 16,
        relocs: vec![Reloc { offset: 5, kind: RelocKind::X86CallPcRel4, symbol: name(callee), addend: -4 }],
        traps: vec![],
        call_sites: vec![],
        patch_sites: vec![PatchSite {
            end: 9,
            len: 5,
            tag,
            target: PatchTarget::Symbol(name(callee)),
            kind: SiteKind::Call,
            initially_on: on,
            on: call.to_vec(),
            off: nop.to_vec(),
        }],
        states: Vec::new(),
        trap_states: Vec::new(),
        unwind: UnwindInfo { ops: vec![(1, UnwindOp::PushFrame { size: 16 }), (4, UnwindOp::DefineFrame)] },
        sources: vec![],
        frame_size: 8,
    }
}

fn functions() -> Vec<CompiledFunction> {
    let mut hook = caller("inner_hook", "inner_hook", 0, true);
    hook.code = vec![0x48, 0xFF, 0x07, 0xC3]; // inc qword [rdi]; ret
    (hook.relocs, hook.patch_sites, hook.unwind) = (vec![], vec![], UnwindInfo::default());
    vec![caller("calls_inner", "inner_hook", 7, true), caller("calls_outer", "outer_hook", 8, false), hook]
}

#[test]
fn a_c_program_finds_and_switches_the_sites() {
    let folder = std::env::temp_dir().join(format!("sidetrack-object-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (object, program) = (folder.join("sites.o"), folder.join("sites"));
    // The program takes the sites' page away while it patches: its own code is on another.
    let mut functions = functions();
    functions[0].alignment = 4096;
    std::fs::write(&object, write_object(Architecture::X86_64, &functions).unwrap()).unwrap();
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sites.c");
    for pie in ["-pie", "-no-pie"] {
        let mut cc = Command::new("cc");
        cc.args(["-Wall", "-Werror", "-Wl,--fatal-warnings", "-O1", pie, "-o"]).args([&program]);
        assert!(cc.arg(source).arg(&object).status().unwrap().success(), "{pie}");
        assert_eq!(Command::new(&program).status().unwrap().code(), Some(0), "{pie}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn the_reader_gives_what_was_written() {
    let bytes = write_object(Architecture::X86_64, &functions()).unwrap();
    let sites = read_patch_sites(&bytes).unwrap();
    // The hook is at 32 and the veneer for the other at 40.
    let record = |function: &str, site: u64, tag, initially_on, distance: u8| SiteRecord {
        function: function.to_string(),
        site,
        tag,
        kind: SiteKind::Call,
        initially_on,
        on: vec![0xE8, distance, 0, 0, 0],
        off: vec![0x0F, 0x1F, 0x44, 0, 0],
    };
    let expected = [record("calls_inner", 4, 7, true, 32 - 9), record("calls_outer", 20, 8, false, 40 - 25)];
    assert_eq!(sites, expected);
    for len in 0..bytes.len() {
        let _ = read_patch_sites(&bytes[..len]); // no panic
    }
}

#[test]
fn the_unwind_table_restores_the_caller() {
    use gimli::{BaseAddresses, CfaRule, EhFrame, LittleEndian, RegisterRule, UnwindSection, X86_64};
    let bytes = write_object(Architecture::X86_64, &functions()).unwrap();
    let file = object::File::parse(&*bytes).unwrap();
    let section = file.section_by_name(".eh_frame").unwrap();
    // Unlinked, every function starts at the place of its own pointer: relocations say where it is.
    let starts: Vec<i64> = section.relocations().map(|(_, reloc)| reloc.addend()).collect();
    assert_eq!(starts, [0, 16, 32]);
    let frames = EhFrame::new(section.data().unwrap(), LittleEndian);
    let bases = BaseAddresses::default().set_eh_frame(0);
    let mut entries = frames.entries(&bases);
    let mut context = gimli::UnwindContext::new();
    let mut checked = 0;
    while let Some(entry) = entries.next().unwrap() {
        let gimli::CieOrFde::Fde(partial) = entry else { continue };
        let fde = partial.parse(|_, bases, offset| frames.cie_from_offset(bases, offset)).unwrap();
        if fde.len() != 11 {
            continue;
        }
        let rows = [
            (0, X86_64::RSP, 8, None),
            (1, X86_64::RSP, 16, Some(RegisterRule::Offset(-16))),
            (4, X86_64::RBP, 16, Some(RegisterRule::Offset(-16))),
        ];
        for (offset, register, cfa, rbp) in rows {
            let address = fde.initial_address() + offset;
            let row = fde.unwind_info_for_address(&frames, &bases, &mut context, address).unwrap();
            assert_eq!(*row.cfa(), CfaRule::RegisterAndOffset { register, offset: cfa });
            assert_eq!(row.register(X86_64::RBP), rbp);
            assert_eq!(row.register(X86_64::RA), Some(RegisterRule::Offset(-8)));
        }
        checked += 1;
    }
    assert_eq!(checked, 2);
}

#[test]
fn bytecode_has_no_objects() {
    let error = write_object(Architecture::Pulley64, &[]).unwrap_err();
    assert_eq!(error, ObjectError::Architecture(Architecture::Pulley64));
}
