//! Veneers: calls of imports, and calls that reach only so far.

use sidetrack_artifact::*;

fn name(text: &str) -> SymbolName {
    SymbolName::Named(text.to_string())
}

/// A function of `size` bytes that begins with a patchable `jal` of each callee.
fn riscv(text: &str, size: usize, callees: &[&str]) -> CompiledFunction {
    const JAL: [u8; 4] = [0xef, 0, 0, 0];
    let mut f = CompiledFunction {
        name: name(text),
        code: vec![0; size],
        alignment: 4,
        relocs: vec![],
        traps: vec![],
        call_sites: vec![],
        patch_sites: vec![],
        unwind: UnwindInfo::default(),
        sources: vec![],
        states: vec![],
        trap_states: vec![],
        frame_size: 0,
    };
    for (i, callee) in callees.iter().enumerate() {
        let at = 4 * i;
        f.code[at..at + 4].copy_from_slice(&JAL);
        let offset = at as u32;
        f.relocs.push(Reloc { offset, kind: RelocKind::RiscvJal, symbol: name(callee), addend: 0 });
        f.patch_sites.push(PatchSite {
            end: offset + 4,
            len: 4,
            tag: 0,
            target: PatchTarget::Symbol(name(callee)),
            kind: SiteKind::Call,
            initially_on: true,
            on: JAL.to_vec(),
            off: vec![0x13, 0, 0, 0],
        });
    }
    f
}

/// Where a `jal` at `place` leads.
fn jal_target(code: &[u8], place: u32) -> u32 {
    let at = place as usize;
    let word = u32::from_le_bytes(code[at..at + 4].try_into().unwrap()) as i32;
    assert_eq!(word & 0xfff, 0xef);
    let (w, top) = (word as u32, (word >> 31) << 20);
    let low = (w >> 21 & 0x3ff) << 1 | (w >> 20 & 1) << 11 | (w >> 12 & 0xff) << 12;
    place.wrapping_add_signed(top | low as i32)
}

/// Where the `auipc t6; jr t6` at `place` leads.
fn far_target(code: &[u8], place: u32) -> u32 {
    let at = place as usize;
    let word = |at: usize| u32::from_le_bytes(code[at..at + 4].try_into().unwrap());
    let (upper, lower) = (word(at), word(at + 4));
    assert_eq!((upper & 0xfff, lower & 0xf_ffff), (0xf97, 0xf_8067));
    place.wrapping_add(upper & !0xfff).wrapping_add_signed(lower as i32 >> 20)
}

#[test]
fn calls_reach_through_islands_between_functions() {
    const MB: usize = 1 << 20;
    let mut builder = ImageBuilder::new(Architecture::Riscv64);
    builder.add(riscv("first", 64, &["near", "last", "host", "last"]));
    builder.add(riscv("near", 64, &["first"]));
    for n in 0..5 {
        builder.add(riscv(&format!("fill{n}"), MB / 2, &["first", "last"]));
    }
    builder.add(riscv("last", 16, &["first", "host"]));
    builder.import(name("host"));
    let image = builder.finish().unwrap();
    let host = image.imports[0].veneer;
    let mut far = 0;
    for (index, site) in (0..image.site_count()).map(|index| (index, image.patch_site(index).unwrap())) {
        let PatchTarget::Symbol(callee) = &site.target else { panic!("{index}") };
        let callee = image.symbol(callee).map_or(host, |symbol| symbol.offset);
        let at = jal_target(image.code(), site.start());
        assert_eq!(site.on, image.code()[site.start() as usize..site.end as usize]);
        if at != callee {
            assert!(image.symbol_at(at).is_none(), "a veneer is in no function");
            assert_eq!(far_target(image.code(), at), callee);
            far += 1;
        }
    }
    assert!(far >= 8, "{far}");
    assert!(image.symbols().is_sorted_by_key(|symbol| symbol.offset));
}

#[test]
fn aarch64_calls_reach_further_than_their_field() {
    let mut builder = ImageBuilder::new(Architecture::Aarch64);
    // Each with a call in its last word.
    for (name, size, callee) in [("first", 16, "last"), ("fill", 130 << 20, "first"), ("last", 16, "first")] {
        let mut f = riscv(name, size, &[]);
        f.code[size - 4..].copy_from_slice(&0x9400_0000u32.to_le_bytes());
        let (kind, offset) = (RelocKind::Aarch64Call26, size as u32 - 4);
        f.relocs.push(Reloc { offset, kind, symbol: self::name(callee), addend: 0 });
        builder.add(f);
    }
    let image = builder.finish().unwrap();
    let word = |at: u32| u32::from_le_bytes(image.code()[at as usize..at as usize + 4].try_into().unwrap());
    let signed = |field: u32, bits: u32| ((field << (32 - bits)) as i32 >> (32 - bits)) as i64;
    let offset = |text: &str| i64::from(image.symbol(&name(text)).unwrap().offset);
    for (caller, callee) in [("first", "last"), ("fill", "first"), ("last", "first")] {
        let start = image.symbol(&name(caller)).unwrap().range().end - 4;
        let at = i64::from(start) + 4 * signed(word(start), 26);
        assert_ne!(at, offset(callee), "it is out of reach");
        let (adrp, add, br) = (word(at as u32), word(at as u32 + 4), word(at as u32 + 8));
        assert_eq!((adrp & 0x9f00_001f, add & 0xffc0_03ff, br), (0x9000_0010, 0x9100_0210, 0xd61f_0200));
        let page = signed((adrp >> 5 & 0x7ffff) << 2 | adrp >> 29 & 3, 21) << 12;
        assert_eq!((at & !0xfff) + page + i64::from(add >> 10 & 0xfff), offset(callee));
    }
    assert_eq!(image.alignment, 4096);
}

#[test]
fn import_veneers_jump_through_their_slot() {
    // Where the slot is, after the code of the veneer.
    for (architecture, slot) in
        [(Architecture::Aarch64, 8), (Architecture::Riscv64, 16), (Architecture::S390x, 8)]
    {
        let mut builder = ImageBuilder::new(architecture);
        let mut f = riscv("f", 16, &[]);
        f.relocs.push(Reloc { offset: 8, kind: RelocKind::Abs8, symbol: name("host"), addend: 4 });
        builder.add(f).import(name("host"));
        let image = builder.finish().unwrap();
        let import = LoadTarget::Import(0);
        let expected = [
            LoadReloc { offset: 8, target: import, addend: 4 },
            LoadReloc { offset: 16 + slot, target: import, addend: 0 },
        ];
        assert_eq!(image.load_relocs, expected, "{architecture:?}");
        assert_eq!(image.code_len(), 16 + slot as usize + 8);
    }
}
