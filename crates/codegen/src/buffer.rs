//! The buffer that machine code is emitted into.
//!
//! Problem: branches and constants are referred to before their place is known,
//! and on some targets reach only so far. Approach: code is appended front to
//! back; a use of an unbound label becomes a fixup; before the nearest deadline of
//! a pending fixup passes, [`Buffer::ensure_space`] makes an *island* of veneers,
//! constants and trap stubs at a place between two instructions.
//!
//! On targets whose jumps have a shorter form, [`Buffer::finish`] shortens those
//! that are near their labels (`relax`).
//!
//! Invariants: bytes once written move never, but for that last step, which moves
//! everything that is recorded of them along; islands come only at calls of
//! [`Buffer::ensure_space`], which emission makes between instructions, so no
//! label, island, veneer or constant lands inside a patch site; a site is recorded
//! after its bytes were written and nothing rewrites them but relocations.

mod far;
mod island;
mod relax;

use far::FarCall;
use island::Uses;

use cranelift_entity::packed_option::PackedOption;
use cranelift_entity::{EntityRef, PrimaryMap, SecondaryMap, entity_impl};
use foldhash::fast::RandomState;
use sidetrack_artifact::{
    CallSite, ExceptionHandler, HandlerContext, PatchSite, PatchTarget, Reloc, RelocKind, SiteKind,
    SourceRange, SymbolName, TrapCode, TrapSite,
};
use sidetrack_ir::work;

/// A place in code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(u32);
entity_impl!(Label, "label");

const UNBOUND: u32 = u32::MAX;

/// A table whose keys come from the program. Hashes depend on a random seed, so that nobody can
/// choose keys that collide; nothing goes through such a table in its order.
type Keyed<K, V> = std::collections::HashMap<K, V, RandomState>;

/// How an instruction refers to a label, per target.
pub trait FixupKind: Copy + std::fmt::Debug {
    /// How far before the use's offset the label may be, in bytes.
    fn max_backward(self) -> u32;
    /// How far behind the use's offset the label may be, in bytes.
    fn max_forward(self) -> u32;
    /// How many bytes of code the use covers.
    fn size(self) -> u32;
    /// Writes the reference into the `size` bytes at the use.
    fn patch(self, code: &mut [u8], use_offset: u32, label_offset: u32);
    /// Size in bytes of a veneer that this use can go through, if it can.
    fn veneer_size(self) -> Option<u32>;
    /// Writes a veneer to `code`; returns the offset in the veneer and the kind
    /// of the veneer's own use of the label.
    fn write_veneer(self, code: &mut [u8]) -> (u32, Self);

    /// Whether some kinds have a short form.
    const RELAXES: bool = false;
    /// The short form of the instruction that ends with this use, if it has one.
    fn short_form(self) -> Option<ShortForm<Self>> {
        None
    }
}

/// A shorter instruction: one byte of opcode and one of distance, counted from its
/// end.
#[derive(Clone, Copy, Debug)]
pub struct ShortForm<K> {
    /// Bytes of opcode before the use in the long form.
    pub opcode_bytes: u32,
    /// The opcode of the short form, from those bytes.
    pub opcode: fn(&[u8]) -> u8,
    /// The short form's use of the label.
    pub kind: K,
}

/// What a buffer must know of its target.
#[derive(Clone, Copy, Debug)]
pub struct BufferSpec {
    /// Every NOP encoding, ascending in size.
    pub nop_units: &'static [&'static [u8]],
    /// An instruction that traps.
    pub trap_bytes: &'static [u8],
    /// Alignment of the start of a function, a power of two.
    pub function_alignment: u32,
    /// Alignment of instructions, a power of two.
    pub inst_alignment: u32,
    /// A jump to a symbol that reaches further than a call does, if calls reach only
    /// so far.
    pub far_jump: Option<FarJump>,
    /// How a site is switched off.
    pub off_form: OffForm,
}

/// A jump to a symbol, for veneers.
#[derive(Clone, Copy, Debug)]
pub struct FarJump {
    /// Its code. It may overwrite a register that is not allocated.
    pub bytes: &'static [u8],
    /// The relocation at its start.
    pub kind: RelocKind,
}

/// What makes a call's bytes do nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffForm {
    /// The fewest NOPs that fit.
    Nops,
    /// For sites of `len` bytes this value of the second byte, and NOPs for others.
    SecondByte {
        /// The length of the sites.
        len: u8,
        /// The byte's value.
        value: u8,
    },
}

impl BufferSpec {
    /// `len` bytes of NOPs, the fewest that fit.
    ///
    /// # Panics
    /// If no sum of NOP sizes is `len`; sites and padding never ask for one.
    pub fn nops(&self, mut len: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(len);
        while len > 0 {
            let unit = self.nop_units.iter().rev().find(|unit| unit.len() <= len);
            let unit = unit.expect("some NOP is small enough");
            bytes.extend_from_slice(unit);
            len -= unit.len();
        }
        bytes
    }

    /// The form of a site that does nothing.
    fn off(&self, on: &[u8]) -> Vec<u8> {
        match self.off_form {
            OffForm::SecondByte { len, value } if on.len() == usize::from(len) => {
                let mut off = on.to_vec();
                off[1] = value;
                off
            }
            _ => self.nops(on.len()),
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Fixup<K> {
    offset: u32,
    label: Label,
    kind: K,
}

/// Bytes that are emitted behind code.
#[derive(Debug)]
struct Constant {
    label: Label,
    bytes: Vec<u8>,
    align: u32,
    /// The symbol whose address they are.
    symbol: Option<(SymbolName, i64)>,
}

/// A handler of a call that is being emitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PendingHandler {
    /// Handles this tag.
    Tag(u32, Label),
    /// Handles all.
    Default(Label),
    /// Changes the context.
    Context(HandlerContext),
}

/// What is recorded of a patchable call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteRecord {
    /// The user's tag.
    pub tag: u64,
    /// Whether it starts on.
    pub on: bool,
    /// Its kind.
    pub kind: SiteKind,
    /// What it calls.
    pub target: PatchTarget,
}

/// A trap that is emitted behind code.
#[derive(Debug)]
struct TrapStub {
    label: Label,
    code: TrapCode,
    source: Option<u32>,
    inst: Option<u32>,
}

#[derive(Debug)]
struct PendingCall {
    return_offset: u32,
    frame_offset: u32,
    handlers: Vec<PendingHandler>,
}

/// Code that is being emitted.
#[derive(Debug)]
pub struct Buffer<K: FixupKind> {
    spec: BufferSpec,
    data: Vec<u8>,
    labels: PrimaryMap<Label, u32>,
    aliases: SecondaryMap<Label, PackedOption<Label>>,
    fixups: Uses<K>,
    /// Those that do not reach far.
    near: Uses<K>,
    far_calls: Vec<FarCall<K>>,
    constants: Vec<Constant>,
    constant_labels: Keyed<Vec<u8>, Label>,
    symbol_labels: Keyed<(SymbolName, i64), Label>,
    constant_bytes: u32,
    trap_stubs: Vec<TrapStub>,
    /// The labels of the stubs by code, source and instruction.
    trap_labels: Keyed<(TrapCode, Option<u32>, Option<u32>), Label>,
    relocs: Vec<Reloc>,
    traps: Vec<TrapSite>,
    /// The offsets of traps with the instructions that they belong to.
    trap_insts: Vec<(u32, u32)>,
    /// The instruction that is being emitted, if it has a state.
    inst: Option<u32>,
    calls: Vec<PendingCall>,
    sites: Vec<PatchSite>,
    /// The return addresses of calls that have a state, with their instructions.
    state_insts: Vec<(u32, u32)>,
    sources: Vec<SourceRange>,
    source: Option<(u32, u32)>,
    alignment: u32,
    /// Code that stands where it must.
    placed: bool,
    /// What the target said of the code up to an offset.
    note: Option<(u32, u32)>,
    /// What the target noted, for as long as it holds.
    mode: Option<u32>,
}

/// What a finished buffer hands over.
#[derive(Debug)]
pub struct FinishedBuffer {
    /// The code.
    pub code: Vec<u8>,
    /// Required alignment of its start.
    pub alignment: u32,
    /// Relocations by offset.
    pub relocs: Vec<Reloc>,
    /// Traps by offset.
    pub traps: Vec<TrapSite>,
    /// The offsets of traps with the instructions that they belong to, as far as these
    /// were told by [`Buffer::start_inst`].
    pub trap_insts: Vec<(u32, u32)>,
    /// Calls by return offset.
    pub call_sites: Vec<CallSite>,
    /// Patch sites by end offset.
    pub patch_sites: Vec<PatchSite>,
    /// The return addresses of calls that have a state, sorted, with their instructions.
    pub state_insts: Vec<(u32, u32)>,
    /// Source locations, sorted.
    pub sources: Vec<SourceRange>,
}

impl<K: FixupKind> Buffer<K> {
    /// An empty buffer.
    pub fn new(spec: BufferSpec) -> Self {
        Buffer {
            data: Vec::with_capacity(512),
            labels: PrimaryMap::new(),
            aliases: SecondaryMap::new(),
            fixups: Uses::default(),
            near: Uses::default(),
            far_calls: Vec::new(),
            constants: Vec::new(),
            constant_labels: Keyed::default(),
            symbol_labels: Keyed::default(),
            constant_bytes: 0,
            trap_stubs: Vec::new(),
            trap_labels: Keyed::default(),
            relocs: Vec::new(),
            traps: Vec::new(),
            trap_insts: Vec::new(),
            inst: None,
            calls: Vec::new(),
            sites: Vec::new(),
            state_insts: Vec::new(),
            sources: Vec::new(),
            source: None,
            alignment: spec.function_alignment,
            mode: None,
            placed: false,
            note: None,
            spec,
        }
    }

    /// The target's facts.
    pub fn spec(&self) -> &BufferSpec {
        &self.spec
    }

    /// The offset of the next byte.
    pub fn offset(&self) -> u32 {
        self.data.len() as u32
    }

    /// Appends a byte.
    pub fn put1(&mut self, byte: u8) {
        self.data.push(byte);
    }

    /// Appends bytes.
    pub fn put(&mut self, bytes: &[u8]) {
        self.data.extend_from_slice(bytes);
    }

    /// The code so far.
    pub fn code(&self) -> &[u8] {
        &self.data
    }

    /// Appends NOPs until the offset is a multiple of `align`.
    pub fn align_with_nops(&mut self, align: u32) {
        let pad = self.offset().next_multiple_of(align) - self.offset();
        self.put_nops(pad);
    }

    /// Appends `len` bytes of NOPs.
    pub fn put_nops(&mut self, len: u32) {
        let nops = self.spec.nops(len as usize);
        self.put(&nops);
    }

    /// A new label, not bound yet.
    pub fn new_label(&mut self) -> Label {
        self.labels.push(UNBOUND)
    }

    /// Binds a label to the current offset.
    pub fn bind(&mut self, label: Label) {
        debug_assert_eq!(self.labels[label], UNBOUND);
        self.labels[label] = self.offset();
        self.mode = None;
        self.note = None;
    }

    /// Remembers something of the code so far, which is forgotten when anything is
    /// appended or a label is bound.
    pub fn set_note(&mut self, note: u32) {
        self.note = Some((self.offset(), note));
    }

    /// What was remembered of the code so far.
    pub fn note(&self) -> Option<u32> {
        self.note.filter(|(offset, _)| *offset == self.offset()).map(|(_, note)| note)
    }

    /// The code so far stands where it must: it is not moved in the end.
    pub fn keep_places(&mut self) {
        self.placed = true;
    }

    /// What the target noted here last, if control comes from there for sure: no label
    /// was bound since, and nothing was called.
    pub fn mode(&self) -> Option<u32> {
        self.mode
    }

    /// Notes something for [`Buffer::mode`].
    pub fn set_mode(&mut self, mode: u32) {
        self.mode = Some(mode);
    }

    /// Makes uses of `label` refer to `to`, which stands for itself.
    pub fn alias(&mut self, label: Label, to: Label) {
        debug_assert!(label != to && self.aliases[to].is_none());
        self.aliases[label] = to.into();
    }

    /// The label that `label` stands for.
    pub fn resolve(&self, label: Label) -> Label {
        work::steps(1);
        self.aliases[label].expand().unwrap_or(label)
    }

    /// The label's offset, if it is bound.
    pub fn label_offset(&self, label: Label) -> Option<u32> {
        let offset = self.labels[self.resolve(label)];
        (offset != UNBOUND).then_some(offset)
    }

    /// The code at `offset`, which is written already, refers to `label`.
    pub fn use_label(&mut self, offset: u32, label: Label, kind: K) {
        let label = self.resolve(label);
        if !K::RELAXES
            && let Some(target) = self.label_offset(label)
            && offset - target.min(offset) <= kind.max_backward()
        {
            self.write_use(offset, kind, target);
            return;
        }
        self.add_fixup(Fixup { offset, label, kind });
    }

    /// The label of a constant with these bytes, which is emitted later.
    ///
    /// `align` is a power of two.
    pub fn constant(&mut self, bytes: &[u8], align: u32) -> Label {
        if let Some(&label) = self.constant_labels.get(bytes) {
            return label;
        }
        let label = self.new_label();
        self.constant_labels.insert(bytes.to_vec(), label);
        self.add_constant(Constant { label, bytes: bytes.to_vec(), align, symbol: None });
        label
    }

    /// The label of 8 bytes, emitted later, that hold a symbol's address plus an offset.
    pub fn symbol_constant(&mut self, name: &SymbolName, offset: i64) -> Label {
        let key = (name.clone(), offset);
        if let Some(&label) = self.symbol_labels.get(&key) {
            return label;
        }
        let label = self.new_label();
        self.symbol_labels.insert(key.clone(), label);
        self.add_constant(Constant { label, bytes: vec![0; 8], align: 8, symbol: Some(key) });
        label
    }

    fn add_constant(&mut self, constant: Constant) {
        self.constant_bytes += constant.bytes.len() as u32 + constant.align;
        self.alignment = self.alignment.max(constant.align);
        self.constants.push(constant);
    }

    /// The label of an instruction, emitted later, that traps with `code`.
    pub fn trap_label(&mut self, code: TrapCode) -> Label {
        let source = self.source.map(|(_, location)| location);
        let inst = self.inst;
        if let Some(&label) = self.trap_labels.get(&(code, source, inst)) {
            return label;
        }
        let label = self.new_label();
        self.trap_labels.insert((code, source, inst), label);
        self.trap_stubs.push(TrapStub { label, code, source, inst });
        label
    }

    /// A fault at the current offset means `code`.
    pub fn add_trap(&mut self, code: TrapCode) {
        let offset = self.offset();
        self.traps.push(TrapSite { offset, code });
        self.trap_insts.extend(self.inst.map(|inst| (offset, inst)));
    }

    /// The bytes at `offset` are to be relocated.
    pub fn add_reloc(&mut self, offset: u32, kind: RelocKind, symbol: SymbolName, addend: i64) {
        self.relocs.push(Reloc { offset, kind, symbol, addend });
    }

    /// The current offset is the return address of a call.
    pub fn add_call(&mut self, frame_offset: u32, handlers: Vec<PendingHandler>) {
        let return_offset = self.offset();
        self.mode = None;
        self.calls.push(PendingCall { return_offset, frame_offset, handlers });
    }

    /// It is asked what can be read while the call that returns to the current offset is
    /// under way.
    pub fn add_state(&mut self) {
        let offset = self.offset();
        self.state_insts.extend(self.inst.map(|inst| (offset, inst)));
    }

    /// The bytes from `start` to the current offset, a call just written, are a
    /// patch site. When `write_off`, they are overwritten by the off form.
    pub fn add_site(&mut self, start: u32, record: SiteRecord, write_off: bool) {
        let on = self.data[start as usize..].to_vec();
        let off = self.spec.off(&on);
        let initially_on = record.on && !write_off;
        if !initially_on {
            self.data[start as usize..].copy_from_slice(&off);
        }
        self.sites.push(PatchSite {
            end: self.offset(),
            len: on.len() as u8,
            tag: record.tag,
            target: record.target,
            kind: record.kind,
            initially_on,
            on,
            off,
        });
    }

    /// What comes next, and where it traps, belongs to this instruction.
    pub fn start_inst(&mut self, inst: Option<u32>) {
        self.inst = inst;
    }

    /// What comes next is from this source location.
    pub fn start_source(&mut self, location: Option<u32>) {
        if self.source.map(|(_, location)| location) == location {
            return;
        }
        let now = self.offset();
        if let Some((start, location)) = self.source.take()
            && start < now
        {
            self.sources.push(SourceRange { start, end: now, location });
        }
        self.source = location.map(|location| (now, location));
    }

    fn write_use(&mut self, offset: u32, kind: K, target: u32) {
        let bytes = &mut self.data[offset as usize..(offset + kind.size()) as usize];
        kind.patch(bytes, offset, target);
    }

    /// Emits what is pending and resolves every label.
    ///
    /// # Panics
    /// If a label that is used was never bound.
    pub fn finish(mut self) -> FinishedBuffer {
        if K::RELAXES && !self.placed {
            self.relax();
        }
        self.island(self.far_calls.len() as u32 * 16, true);
        while !self.fixups.list.is_empty() || !self.near.list.is_empty() {
            self.island(0, true);
        }
        let offset_of = |label: Label| self.label_offset(label).expect("a handler's label is bound");
        let call_sites = self.calls.iter().map(|call| CallSite {
            return_offset: call.return_offset,
            frame_offset: call.frame_offset,
            handlers: (call.handlers.iter())
                .map(|handler| match *handler {
                    PendingHandler::Tag(tag, label) => {
                        ExceptionHandler::Tag { tag, handler: offset_of(label) }
                    }
                    PendingHandler::Default(label) => ExceptionHandler::Default { handler: offset_of(label) },
                    PendingHandler::Context(context) => ExceptionHandler::Context(context),
                })
                .collect(),
        });
        let call_sites = call_sites.collect();
        self.relocs.sort_by_key(|reloc| reloc.offset);
        self.traps.sort_by_key(|trap| trap.offset);
        self.trap_insts.sort_unstable();
        FinishedBuffer {
            code: self.data,
            alignment: self.alignment,
            relocs: self.relocs,
            traps: self.traps,
            trap_insts: self.trap_insts,
            call_sites,
            patch_sites: self.sites,
            state_insts: self.state_insts,
            sources: self.sources,
        }
    }
}

/// The labels of blocks 0 to `count`, made before any other.
pub fn block_labels<K: FixupKind>(buffer: &mut Buffer<K>, count: usize) {
    for _ in 0..count {
        buffer.new_label();
    }
}

/// The label of a block by its number.
pub fn block_label(block: usize) -> Label {
    Label::new(block)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One byte forward or back by at most 200; a veneer of four bytes reaches far.
    /// The short form says that it reaches further, and writes the distance's low byte.
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Toy {
        Near,
        Short,
        Far,
    }

    impl FixupKind for Toy {
        fn max_backward(self) -> u32 {
            if self == Toy::Near { 200 } else { 1 << 30 }
        }
        fn max_forward(self) -> u32 {
            [200, far::LINKER_ROOM + 400, 1 << 30][self as usize]
        }
        fn size(self) -> u32 {
            if self == Toy::Far { 4 } else { 1 }
        }
        fn patch(self, code: &mut [u8], use_offset: u32, label_offset: u32) {
            let delta = label_offset.wrapping_sub(use_offset);
            match self {
                Toy::Near | Toy::Short => code[0] = delta as u8,
                Toy::Far => code.copy_from_slice(&delta.to_le_bytes()),
            }
        }
        fn veneer_size(self) -> Option<u32> {
            Some(4)
        }
        fn write_veneer(self, _: &mut [u8]) -> (u32, Self) {
            (0, Toy::Far)
        }
    }

    const SPEC: BufferSpec = BufferSpec {
        nop_units: &[&[0x90], &[0x66, 0x90]],
        trap_bytes: &[0xcc],
        function_alignment: 16,
        inst_alignment: 1,
        far_jump: None,
        off_form: OffForm::Nops,
    };

    #[test]
    fn backward_and_forward_uses_resolve() {
        let mut buffer: Buffer<Toy> = Buffer::new(SPEC);
        let (start, end) = (buffer.new_label(), buffer.new_label());
        buffer.bind(start);
        buffer.put(&[0, 0]);
        buffer.use_label(0, end, Toy::Near);
        buffer.use_label(1, start, Toy::Near);
        buffer.bind(end);
        buffer.put1(7);
        assert_eq!(buffer.finish().code, [2, 0xff, 7]);
    }

    #[test]
    fn a_distant_label_is_reached_through_a_veneer() {
        let mut buffer: Buffer<Toy> = Buffer::new(SPEC);
        let far = buffer.new_label();
        buffer.put1(0);
        buffer.use_label(0, far, Toy::Near);
        let mut islands = 0;
        for _ in 0..1000 {
            buffer.ensure_space(1, |buffer, after| {
                islands += 1;
                buffer.put(&[0; 4]);
                let at = buffer.offset() - 4;
                buffer.use_label(at, after, Toy::Far);
            });
            buffer.put1(1);
        }
        buffer.bind(far);
        let end = buffer.offset();
        let code = buffer.finish().code;
        assert_eq!(islands, 1);
        let veneer = usize::from(code[0]);
        let delta = i32::from_le_bytes(code[veneer..veneer + 4].try_into().unwrap());
        assert_eq!(veneer as i32 + delta, end as i32);
    }

    #[test]
    fn a_call_goes_through_a_veneer_if_the_function_is_too_long() {
        const FAR: FarJump = FarJump { bytes: &[7, 0, 0, 0, 0, 0, 0, 0], kind: RelocKind::RiscvCall };
        let spec = BufferSpec { far_jump: Some(FAR), ..SPEC };
        let mut buffer: Buffer<Toy> = Buffer::new(spec);
        let symbol = SymbolName::Named("callee".to_string());
        for at in [0, 1] {
            buffer.put1(0);
            let record =
                SiteRecord { tag: 0, on: at == 0, kind: SiteKind::Call, target: PatchTarget::Indirect };
            buffer.use_symbol(at, Toy::Short, RelocKind::RiscvJal, symbol.clone(), 0);
            buffer.add_site(at, record, false);
        }
        for _ in 0..6000 {
            buffer.ensure_space(1, |buffer, _| buffer.put1(9));
            buffer.put1(1);
        }
        buffer.put1(0);
        buffer.use_symbol(buffer.offset() - 1, Toy::Short, RelocKind::RiscvJal, symbol, 0);
        let done = buffer.finish();
        let far: Vec<u32> = done.relocs.iter().map(|reloc| reloc.offset).collect();
        let kinds: Vec<RelocKind> = done.relocs.iter().map(|reloc| reloc.kind).collect();
        assert_eq!(kinds, [RelocKind::RiscvCall, RelocKind::RiscvJal]);
        assert_eq!(done.code[far[0] as usize..][..8], *FAR.bytes);
        let delta = u16::from_le_bytes([done.code[0], done.code[1]]);
        assert_eq!(u32::from(delta as u8), far[0] & 0xff);
        assert_eq!(done.patch_sites[0].on, [far[0] as u8]);
        assert_eq!(done.patch_sites[1].on, [(far[0] - 1) as u8]);
        assert_eq!(done.code[1], 0x90);
    }

    #[test]
    fn far_uses_that_are_pending_make_no_islands_for_near_ones() {
        let mut buffer: Buffer<Toy> = Buffer::new(SPEC);
        let far = buffer.new_label();
        for _ in 0..1000 {
            buffer.put(&[0; 4]);
            buffer.use_label(buffer.offset() - 4, far, Toy::Far);
        }
        for _ in 0..50 {
            let near = buffer.new_label();
            buffer.put1(0);
            buffer.use_label(buffer.offset() - 1, near, Toy::Near);
            for _ in 0..10 {
                buffer.ensure_space(1, |_, _| panic!("there is no need of an island"));
                buffer.put1(1);
            }
            buffer.bind(near);
        }
        buffer.bind(far);
        assert_eq!(buffer.finish().code.len(), 4000 + 50 * 11);
    }

    #[test]
    fn a_site_carries_both_forms() {
        let mut buffer: Buffer<Toy> = Buffer::new(SPEC);
        buffer.put(&[1, 2, 3, 4, 5, 6]);
        let record =
            SiteRecord { tag: 9, on: false, kind: SiteKind::Indirect, target: PatchTarget::Indirect };
        buffer.add_site(1, record, false);
        let done = buffer.finish();
        let site = &done.patch_sites[0];
        assert_eq!((site.end, site.len, site.tag, site.initially_on), (6, 5, 9, false));
        assert_eq!(site.on, [2, 3, 4, 5, 6]);
        assert_eq!(site.off, [0x66, 0x90, 0x66, 0x90, 0x90]);
        assert_eq!(done.code, [1, 0x66, 0x90, 0x66, 0x90, 0x90]);
    }

    #[test]
    fn equal_constants_are_emitted_once_and_aligned() {
        let mut buffer: Buffer<Toy> = Buffer::new(SPEC);
        buffer.put1(0);
        let a = buffer.constant(&[1, 2, 3, 4], 4);
        assert_eq!(buffer.constant(&[1, 2, 3, 4], 4), a);
        buffer.use_label(0, a, Toy::Near);
        assert_eq!(buffer.finish().code, [4, 0, 0, 0, 1, 2, 3, 4]);
    }
}
