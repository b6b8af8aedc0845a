//! The linker: layout, relocations in code and in both forms of sites, refusals.

use sidetrack_artifact::*;

fn name(text: &str) -> SymbolName {
    SymbolName::Named(text.to_string())
}

fn function(text: &str, code: &[u8], alignment: u32) -> CompiledFunction {
    CompiledFunction {
        name: name(text),
        code: code.to_vec(),
        alignment,
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

/// A function that calls `callee` once, at offset 0, patchably.
fn caller(text: &str, callee: &str, on: bool) -> CompiledFunction {
    let (call, nop) = ([0xE8, 0, 0, 0, 0], [0x0F, 0x1F, 0x44, 0, 0]);
    let mut f = function(text, if on { &call } else { &nop }, 16);
    f.code.push(0xC3);
    f.relocs.push(Reloc { offset: 1, kind: RelocKind::X86CallPcRel4, symbol: name(callee), addend: -4 });
    let default = ExceptionHandler::Default { handler: 5 };
    f.call_sites.push(CallSite { return_offset: 5, frame_offset: 8, handlers: vec![default] });
    f.traps.push(TrapSite { offset: 3, code: TrapCode::User(1) });
    f.patch_sites.push(PatchSite {
        end: 5,
        len: 5,
        tag: 7,
        target: PatchTarget::Symbol(name(callee)),
        kind: SiteKind::Call,
        initially_on: on,
        on: call.to_vec(),
        off: nop.to_vec(),
    });
    f
}

fn link(functions: &[CompiledFunction], imports: &[&str]) -> Result<Image, LinkError> {
    let mut builder = ImageBuilder::new(Architecture::X86_64);
    for function in functions {
        builder.add(function.clone());
    }
    for import in imports {
        builder.import(name(import));
    }
    builder.finish()
}

#[test]
fn both_forms_and_the_code_are_relocated() {
    for on in [true, false] {
        let image = link(&[function("g", &[0xC3], 32), caller("f", "g", on)], &["unused"]).unwrap();
        assert_eq!(image.alignment, 32);
        assert_eq!(image.imports, []);
        let f = image.symbol(&name("f")).unwrap();
        assert_eq!((f.offset, f.size), (16, 6));
        let site = image.patch_site(0).unwrap();
        // From the end of the call at 21 back to 0.
        assert_eq!(site.on, [0xE8, 0xEB, 0xFF, 0xFF, 0xFF]);
        assert_eq!(site.off, [0x0F, 0x1F, 0x44, 0, 0]);
        assert_eq!(&image.code()[16..21], site.bytes(on));
        assert_eq!(image.site_ending_at(21), Some(0));
        assert_eq!(image.sites_tagged(&name("f"), 7).collect::<Vec<_>>(), [0]);
        assert_eq!(image.sites_tagged(&name("f"), 8).count(), 0);
        assert_eq!(image.sites_of(&name("g")), 0..0);
        assert_eq!(image.trap_at(19), Some(TrapCode::User(1)));
        assert_eq!(image.trap_at(3), None);
        let handlers: Vec<_> = image.handled_call(21).unwrap().handlers().collect();
        assert_eq!(handlers, [ExceptionHandler::Default { handler: 21 }]);
        assert_eq!(image.symbol_at(21).unwrap().name(), name("f"));
        assert_eq!(image.symbol_at(1), None);
    }
}

#[test]
fn imports_are_reached_through_veneers() {
    let mut data = function("d", &[0; 8], 8);
    data.relocs.push(Reloc { offset: 0, kind: RelocKind::Abs8, symbol: name("x"), addend: 3 });
    let image = link(&[caller("f", "x", false), data], &["x"]).unwrap();
    let import = &image.imports[0];
    let displacement = import.veneer as i32 - 5;
    assert_eq!(image.patch_site(0).unwrap().on[1..], displacement.to_le_bytes());
    let reloc = |offset, addend| LoadReloc { offset, target: LoadTarget::Import(0), addend };
    assert_eq!(image.load_relocs, [reloc(8, 3), reloc(import.veneer + 8, 0)]);
}

#[test]
fn bad_input_is_refused() {
    let duplicate = link(&[function("f", &[0xC3], 1), function("f", &[0xC3], 1)], &[]);
    assert_eq!(duplicate, Err(LinkError::Duplicate(name("f"))));
    assert_eq!(
        link(&[function("f", &[0xC3], 1), caller("g", "f", true)], &["f"]),
        Err(LinkError::Duplicate(name("f")))
    );
    let undefined = link(&[caller("f", "g", true)], &[]);
    assert_eq!(undefined, Err(LinkError::Undefined { symbol: name("g"), function: name("f") }));
    type Spoil = fn(&mut CompiledFunction);
    let spoils: [Spoil; 10] = [
        |f| f.alignment = 3,
        |f| f.alignment = 0,
        |f| f.relocs[0].offset = 3,
        |f| f.relocs[0].offset = u32::MAX,
        |f| f.patch_sites[0].end = 4,
        |f| f.patch_sites[0].end = 7,
        |f| f.patch_sites[0].on.pop().map_or((), |_| ()),
        |f| f.code[0] = 0x90,
        |f| {
            let site = &mut f.patch_sites[0];
            f.code.resize(17, 0xCC);
            (site.end, site.len, site.on, site.off) = (17, 17, f.code.clone(), f.code.clone());
        },
        |f| f.traps.insert(0, TrapSite { offset: 4, code: TrapCode::User(2) }),
    ];
    for (number, spoil) in spoils.iter().enumerate() {
        let mut f = caller("f", "f", true);
        assert!(link(&[f.clone()], &[]).is_ok());
        spoil(&mut f);
        assert!(matches!(link(&[f.clone()], &[]), Err(LinkError::Malformed { .. })), "spoil {number}");
        assert!(write_object(Architecture::X86_64, &[f]).is_err(), "spoil {number}");
    }
    let mut far = caller("f", "f", true);
    far.relocs[0].addend = i64::MAX;
    let far = link(&[far], &[]);
    assert!(matches!(far, Err(LinkError::OutOfReach { offset: 1, .. })), "{far:?}");
}

/// A function with some of everything that an image keeps.
fn with_tables(text: &str, sites: u32) -> CompiledFunction {
    let mut f = function(text, &vec![0x90; 40 * sites as usize + 8], 16);
    let call = [0xE8, 0, 0, 0, 0];
    for (number, at) in (0..sites).map(|number| (number, 40 * number)) {
        f.code[at as usize..at as usize + 5].copy_from_slice(&call);
        let symbol =
            if number % 3 == 0 { name("x") } else { SymbolName::User { namespace: 3, index: number } };
        let symbol = if number % 2 == 0 { symbol } else { name(text) };
        let kind = RelocKind::X86CallPcRel4;
        f.relocs.push(Reloc { offset: at + 1, kind, symbol: symbol.clone(), addend: -4 });
        f.traps.push(TrapSite { offset: at + 7, code: TrapCode::User(number as u8 + 1) });
        let handler = ExceptionHandler::Tag { tag: number, handler: at };
        let context = ExceptionHandler::Context(HandlerContext::SpOffset(number));
        let handlers = if number % 2 == 0 { vec![context, handler] } else { vec![] };
        f.call_sites.push(CallSite { return_offset: at + 5, frame_offset: number, handlers });
        // Some ranges touch, some have a gap before them.
        f.sources.push(SourceRange { start: at, end: at + 30 + number % 2 * 10, location: number * 1000 });
        f.patch_sites.push(PatchSite {
            end: at + 5,
            len: 5,
            tag: u64::MAX - u64::from(number),
            target: PatchTarget::Symbol(symbol),
            kind: SiteKind::Call,
            initially_on: true,
            on: call.to_vec(),
            off: vec![0x0F, 0x1F, 0x44, 0, 0],
        });
    }
    f.unwind.ops.push((1, UnwindOp::PushFrame { size: 16 }));
    f.states = text.as_bytes().to_vec();
    f.frame_size = 7;
    f
}

#[test]
fn an_image_has_all_that_is_known_of_its_functions() {
    let mut functions = vec![with_tables("f", 70), with_tables("empty", 0), with_tables("g", 3)];
    for index in 0..70 {
        let mut callee = function("", &[0xC3], 16);
        callee.name = SymbolName::User { namespace: 3, index };
        functions.push(callee);
    }
    let image = link(&functions, &["x"]).unwrap();
    let (mut traps, mut sources, mut calls, mut sites) = (vec![], vec![], vec![], vec![]);
    assert_eq!(image.symbol_count(), functions.len());
    for (f, symbol) in functions.iter().zip(image.symbols()) {
        let base = symbol.offset;
        assert_eq!(
            (symbol.name(), symbol.size, symbol.frame_size),
            (f.name.clone(), f.code.len() as u32, f.frame_size)
        );
        traps.extend(f.traps.iter().map(|trap| TrapSite { offset: base + trap.offset, ..*trap }));
        let moved =
            |range: &SourceRange| SourceRange { start: base + range.start, end: base + range.end, ..*range };
        sources.extend(f.sources.iter().map(moved));
        let handled = f.call_sites.iter().filter(|call| !call.handlers.is_empty());
        calls.extend(handled.map(|call| (base + call.return_offset, call.frame_offset, call.handlers.len())));
        let site = |site: &PatchSite| (base + site.end, site.tag, site.target.clone(), site.off.clone());
        sites.extend(f.patch_sites.iter().map(site));
    }
    assert!(image.traps().eq(traps));
    assert!(image.sources().eq(sources));
    let found = image.handled_calls().map(|c| (c.return_offset, c.frame_offset, c.handlers().count()));
    assert!(found.eq(calls));
    let found = (0..image.site_count()).filter_map(|index| image.patch_site(index));
    assert!(found.map(|site| (site.end, site.tag, site.target, site.off)).eq(sites));
}
