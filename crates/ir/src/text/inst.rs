//! Instructions: operands by format, and the forms that stand for several.

use super::function::FuncCtx;
use super::lexer::Tok;
use super::parser::{Parse, Parser};
use crate::condcodes::{FloatCC, IntCC};
use crate::data_value::DataValue;
use crate::entities::*;
use crate::inst::*;
use crate::memflags::{AliasRegion, Endianness, MemFlags, TrapCode};
use crate::opcode::{Format, Opcode};
use crate::types::{I8X16, I64, Type};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::sync::OnceLock;

/// An instruction whose types are not known yet.
pub(super) struct RawInst {
    pub inst: Inst,
    pub line: u32,
    /// The type written after the opcode.
    pub explicit: Option<Type>,
    /// The results' numbers.
    pub results: SmallVec<[Value; 2]>,
    /// The constant operand of an immediate form: its instruction, inserted before
    /// this one, the index of the argument, and the text.
    pub constant: Option<(Inst, usize, i64)>,
    /// An inner instruction whose result is the argument at this index: the
    /// `stack_addr` of a `stack_load`, the `bnot` of a `band_not`.
    pub inner: Option<(Inst, usize)>,
    /// `off v3, v4` of a patchable call.
    pub pass_through: Vec<Value>,
}

fn opcode_named(name: &str) -> Option<Opcode> {
    static MAP: OnceLock<FxHashMap<&str, Opcode>> = OnceLock::new();
    MAP.get_or_init(|| Opcode::ALL.iter().map(|&op| (op.name(), op)).collect()).get(name).copied()
}

/// The operation of an immediate form, and which argument the constant is.
fn immediate_form(name: &str) -> Option<(Opcode, usize)> {
    use Opcode::*;
    Some(match name {
        "iadd_imm" => (Iadd, 1),
        "imul_imm" => (Imul, 1),
        "irsub_imm" => (Isub, 0),
        "udiv_imm" => (Udiv, 1),
        "sdiv_imm" => (Sdiv, 1),
        "urem_imm" => (Urem, 1),
        "srem_imm" => (Srem, 1),
        "band_imm" => (Band, 1),
        "bor_imm" => (Bor, 1),
        "bxor_imm" => (Bxor, 1),
        "ishl_imm" => (Ishl, 1),
        "ushr_imm" => (Ushr, 1),
        "sshr_imm" => (Sshr, 1),
        "rotl_imm" => (Rotl, 1),
        "rotr_imm" => (Rotr, 1),
        "icmp_imm" => (Icmp, 1),
        _ => return None,
    })
}

fn not_form(name: &str) -> Option<Opcode> {
    match name {
        "band_not" => Some(Opcode::Band),
        "bor_not" => Some(Opcode::Bor),
        "bxor_not" => Some(Opcode::Bxor),
        _ => None,
    }
}

type Args = SmallVec<[Value; 4]>;

impl Parser<'_> {
    pub fn instruction(&mut self, ctx: &mut FuncCtx, block: Block) -> Parse<()> {
        let line = self.line();
        let location = match self.peek() {
            Tok::SourceLoc(digits) => match u32::from_str_radix(digits, 16) {
                Ok(location) => {
                    self.advance();
                    Some(location)
                }
                Err(_) => return self.error("a source location is at most 8 hexadecimal digits"),
            },
            _ => None,
        };
        if self.peek() == Tok::Punct('<') {
            return self.unsupported("debug tags are not supported");
        }
        let mut results: SmallVec<[Value; 2]> = SmallVec::new();
        if self.peek_entity("v").is_some() {
            loop {
                let v = self.value()?;
                ctx.note_value(v);
                results.push(v);
                if !self.eat(',') {
                    break;
                }
            }
            if results.len() == 1 && self.peek() == Tok::Arrow {
                self.advance();
                let to = self.value()?;
                ctx.note_value(to);
                self.define(ctx, results[0])?;
                ctx.aliases.push((results[0], to, line));
                return Ok(());
            }
            self.expect('=')?;
        }
        for &v in &results {
            self.define(ctx, v)?;
        }
        let name_line = self.line();
        let name = self.word("an instruction")?;
        let explicit = if self.eat('.') { Some(self.ty()?) } else { None };
        let mut raw = RawInst {
            inst: Inst::from_u32(0),
            line,
            explicit,
            results,
            constant: None,
            inner: None,
            pass_through: Vec::new(),
        };
        // Comments from here on belong to this instruction: its number is the next,
        // or the one after an inner instruction.
        let helper = immediate_form(name).is_some()
            || not_form(name).is_some()
            || matches!(name, "stack_load" | "stack_store");
        let number = ctx.func.dfg.insts.len() as u32 + u32::from(helper);
        self.entity = AnyEntity::Inst(Inst::from_u32(number));
        let (opcode, args, extra, site) = self.operands(ctx, &mut raw, name, name_line)?;
        let inst = ctx.func.dfg.make_inst(opcode, Type::INVALID, &args, extra);
        raw.inst = inst;
        self.state(ctx, inst)?;
        if let Some(site) = site {
            ctx.func.dfg.sites.insert(inst, site);
        }
        for helper in raw.constant.map(|c| c.0).into_iter().chain(raw.inner.map(|i| i.0)) {
            ctx.func.layout.append_inst(helper, block);
            ctx.func.source_locs[helper] = location;
            ctx.source.lines.insert(AnyEntity::Inst(helper), line);
        }
        ctx.func.layout.append_inst(inst, block);
        if location.is_some() {
            ctx.func.source_locs[inst] = location;
        }
        ctx.source.lines.insert(AnyEntity::Inst(inst), line);
        ctx.insts.push(raw);
        Ok(())
    }

    fn operands(
        &mut self,
        ctx: &mut FuncCtx,
        raw: &mut RawInst,
        name: &str,
        line: u32,
    ) -> Parse<(Opcode, Args, Extra, Option<SiteInfo>)> {
        let none = SmallVec::new;
        let dfg_inst = |ctx: &mut FuncCtx, opcode, ty, args: &[Value], extra| {
            ctx.func.dfg.make_inst(opcode, ty, args, extra)
        };
        let placeholder = Value::from_u32(0);
        if let Some((opcode, index)) = immediate_form(name) {
            let extra = if opcode == Opcode::Icmp { Extra::IntCC(self.int_cc()?) } else { Extra::None };
            let x = self.arg(ctx)?;
            self.expect(',')?;
            let imm = self.int()?;
            let constant = dfg_inst(ctx, Opcode::Iconst, Type::INVALID, &[], Extra::Imm(0));
            raw.constant = Some((constant, index, imm));
            let args = if index == 1 { [x, placeholder] } else { [placeholder, x] };
            return Ok((opcode, SmallVec::from_slice(&args), extra, None));
        }
        if let Some(opcode) = not_form(name) {
            let x = self.arg(ctx)?;
            self.expect(',')?;
            let y = self.arg(ctx)?;
            let inner = dfg_inst(ctx, Opcode::Bnot, Type::INVALID, &[y], Extra::None);
            raw.inner = Some((inner, 1));
            return Ok((opcode, SmallVec::from_slice(&[x, placeholder]), Extra::None, None));
        }
        if matches!(name, "stack_load" | "stack_store") {
            let flags = MemFlags { trap: None, ..MemFlags::default() };
            let stored = if name == "stack_store" {
                let x = self.arg(ctx)?;
                self.expect(',')?;
                Some(x)
            } else {
                None
            };
            let slot = StackSlot::from_u32(self.entity("ss", "a stack slot")?);
            let offset = self.offset32()?;
            let inner = dfg_inst(ctx, Opcode::StackAddr, I64, &[], Extra::Stack(slot, offset));
            let extra = Extra::Mem(flags, 0);
            return Ok(match stored {
                Some(x) => {
                    raw.inner = Some((inner, 1));
                    (Opcode::Store, SmallVec::from_slice(&[x, placeholder]), extra, None)
                }
                None => {
                    raw.inner = Some((inner, 0));
                    (Opcode::Load, SmallVec::from_slice(&[placeholder]), extra, None)
                }
            });
        }
        let (opcode, written_patchable) = match name {
            "patchable_call" => (Opcode::Call, true),
            _ => match opcode_named(name) {
                Some(opcode) => (opcode, false),
                None => {
                    return Err(super::ParseError {
                        line,
                        message: format!("unknown instruction `{name}`"),
                        unsupported: true,
                    });
                }
            },
        };
        let mut site = written_patchable.then(SiteInfo::default);
        let (args, extra): (Args, Extra) = match opcode.format() {
            Format::Nullary => (none(), Extra::None),
            Format::Unary => (self.args(ctx, 1)?, Extra::None),
            Format::Binary => (self.args(ctx, 2)?, Extra::None),
            Format::Ternary => (self.args(ctx, 3)?, Extra::None),
            Format::UnaryImm => (none(), Extra::Imm(self.iconst_imm(raw.explicit)?)),
            Format::UnaryFloat => (none(), Extra::Imm(self.float_bits(opcode)?)),
            Format::UnaryConst => (none(), Extra::Bytes(self.vector_bytes(ctx, raw.explicit)?)),
            Format::ExtractLane | Format::InsertLane => {
                let args = self.args(ctx, if opcode == Opcode::Extractlane { 1 } else { 2 })?;
                self.expect(',')?;
                (args, Extra::Lane(self.lane()?))
            }
            Format::Shuffle => {
                let args = self.args(ctx, 2)?;
                self.expect(',')?;
                (args, Extra::Bytes(self.vector_bytes(ctx, Some(I8X16))?))
            }
            Format::IntCompare => {
                let cc = self.int_cc()?;
                (self.args(ctx, 2)?, Extra::IntCC(cc))
            }
            Format::FloatCompare => {
                let Tok::Ident(word) = self.peek() else { return self.expected("a condition") };
                let Some(cc) = FloatCC::parse(word) else {
                    return self.error(format!("unknown condition `{word}`"));
                };
                self.advance();
                (self.args(ctx, 2)?, Extra::FloatCC(cc))
            }
            Format::IntAddTrap => {
                let args = self.args(ctx, 2)?;
                self.expect(',')?;
                (args, Extra::Trap(self.trap_code()?))
            }
            Format::Load => {
                let flags = self.mem_flags()?;
                let args = self.args(ctx, 1)?;
                (args, Extra::Mem(flags, self.offset32()?))
            }
            Format::Store => {
                let flags = self.mem_flags()?;
                let args = self.args(ctx, 2)?;
                (args, Extra::Mem(flags, self.offset32()?))
            }
            Format::LoadNoOffset => {
                let flags = self.mem_flags()?;
                (self.args(ctx, 1)?, Extra::Mem(flags, 0))
            }
            Format::StoreNoOffset => {
                let flags = self.mem_flags()?;
                (self.args(ctx, 2)?, Extra::Mem(flags, 0))
            }
            Format::AtomicRmw => {
                let flags = self.mem_flags()?;
                let Tok::Ident(word) = self.peek() else { return self.expected("an atomic operation") };
                let Some(op) = AtomicRmwOp::parse(word) else {
                    return self.error(format!("unknown atomic operation `{word}`"));
                };
                self.advance();
                (self.args(ctx, 2)?, Extra::Atomic(flags, op))
            }
            Format::AtomicCas => {
                let flags = self.mem_flags()?;
                (self.args(ctx, 3)?, Extra::Mem(flags, 0))
            }
            Format::StackAddr => {
                let slot = StackSlot::from_u32(self.entity("ss", "a stack slot")?);
                (none(), Extra::Stack(slot, self.offset32()?))
            }
            Format::GlobalValue => {
                let gv = GlobalValue::from_u32(self.entity("gv", "a global value")?);
                (none(), Extra::Global(gv))
            }
            Format::FuncAddr => (none(), Extra::Func(self.func_ref()?)),
            Format::Call => {
                let func = self.func_ref()?;
                let args = self.call_args(ctx)?;
                self.site_attributes(ctx, raw, &mut site)?;
                (args, Extra::Func(func))
            }
            Format::CallIndirect => {
                if self.eat_word("patchable") {
                    site = Some(SiteInfo::default());
                }
                let sig = SigRef::from_u32(self.entity("sig", "a signature")?);
                self.expect(',')?;
                let mut args = self.args(ctx, 1)?;
                args.extend(self.call_args(ctx)?);
                self.site_attributes(ctx, raw, &mut site)?;
                (args, Extra::Sig(sig))
            }
            Format::TryCall => {
                let func = self.func_ref()?;
                let args = self.call_args(ctx)?;
                self.site_attributes(ctx, raw, &mut site)?;
                (args, Extra::TryCall(func, self.exception_table(ctx)?))
            }
            Format::TryCallIndirect => {
                if self.eat_word("patchable") {
                    site = Some(SiteInfo::default());
                }
                let mut args = self.args(ctx, 1)?;
                args.extend(self.call_args(ctx)?);
                self.site_attributes(ctx, raw, &mut site)?;
                (args, Extra::TryCallIndirect(self.exception_table(ctx)?))
            }
            Format::Jump => (none(), Extra::Jump(self.block_call(ctx)?)),
            Format::Brif => {
                let args = self.args(ctx, 1)?;
                self.expect(',')?;
                let then = self.block_call(ctx)?;
                self.expect(',')?;
                (args, Extra::Brif(then, self.block_call(ctx)?))
            }
            Format::BrTable => {
                let args = self.args(ctx, 1)?;
                self.expect(',')?;
                let default = self.block_call(ctx)?;
                self.expect(',')?;
                self.expect('[')?;
                let mut entries = Vec::new();
                if !self.eat(']') {
                    loop {
                        entries.push(self.block_call(ctx)?);
                        if !self.eat(',') {
                            break;
                        }
                    }
                    self.expect(']')?;
                }
                let table = ctx.func.dfg.jump_tables.push(JumpTableData { default, entries });
                (args, Extra::Table(table))
            }
            Format::Trap => (none(), Extra::Trap(self.trap_code()?)),
            Format::CondTrap => {
                let args = self.args(ctx, 1)?;
                self.expect(',')?;
                (args, Extra::Trap(self.trap_code()?))
            }
            Format::MultiAry => {
                let mut args = none();
                while self.peek_entity("v").is_some() {
                    args.push(self.arg(ctx)?);
                    if !self.eat(',') {
                        break;
                    }
                }
                (args, Extra::None)
            }
        };
        Ok((opcode, args, extra, site))
    }

    fn arg(&mut self, ctx: &mut FuncCtx) -> Parse<Value> {
        let v = self.value()?;
        ctx.note_value(v);
        Ok(v)
    }

    fn args(&mut self, ctx: &mut FuncCtx, count: usize) -> Parse<Args> {
        let mut args = SmallVec::new();
        for i in 0..count {
            if i > 0 {
                self.expect(',')?;
            }
            args.push(self.arg(ctx)?);
        }
        Ok(args)
    }

    fn call_args(&mut self, ctx: &mut FuncCtx) -> Parse<Args> {
        let mut args = SmallVec::new();
        self.expect('(')?;
        if !self.eat(')') {
            loop {
                args.push(self.arg(ctx)?);
                if !self.eat(',') {
                    break;
                }
            }
            self.expect(')')?;
        }
        Ok(args)
    }

    fn func_ref(&mut self) -> Parse<FuncRef> {
        self.entity("fn", "a function reference").map(FuncRef::from_u32)
    }

    fn int_cc(&mut self) -> Parse<IntCC> {
        let Tok::Ident(word) = self.peek() else { return self.expected("a condition") };
        match IntCC::parse(word) {
            Some(cc) => {
                self.advance();
                Ok(cc)
            }
            None if matches!(word, "of" | "nof") => {
                self.unsupported(format!("condition {word} is not supported"))
            }
            None => self.error(format!("unknown condition `{word}`")),
        }
    }

    fn iconst_imm(&mut self, ty: Option<Type>) -> Parse<i64> {
        let Tok::Number(text) = self.peek() else { return self.expected("an integer") };
        let bits = match ty {
            Some(ty) if ty.is_int() => ty.bits(),
            Some(ty) => return self.error(format!("an integer constant cannot have type {ty}")),
            None => return self.error("`iconst` needs a type"),
        };
        match crate::immediates::parse_int_of(text, bits) {
            Ok(imm) => {
                self.advance();
                Ok(imm)
            }
            Err(message) => self.error(message),
        }
    }

    fn float_bits(&mut self, opcode: Opcode) -> Parse<i64> {
        let (Tok::Number(text) | Tok::Ident(text)) = self.peek() else { return self.expected("a float") };
        let bits = if opcode == Opcode::F32const {
            crate::immediates::parse_f32(text).map(i64::from)
        } else {
            crate::immediates::parse_f64(text).map(|bits| bits as i64)
        };
        match bits {
            Ok(bits) => {
                self.advance();
                Ok(bits)
            }
            Err(message) => self.error(message),
        }
    }

    fn lane(&mut self) -> Parse<u8> {
        let lane = self.uint32()?;
        match u8::try_from(lane) {
            Ok(lane) => Ok(lane),
            Err(_) => self.error(format!("there is no lane {lane}")),
        }
    }

    /// `0x…`, `[1 2 3 4]` with a number for each lane, or the name of a constant.
    fn vector_bytes(&mut self, ctx: &FuncCtx, ty: Option<Type>) -> Parse<[u8; 16]> {
        let ty = match ty {
            Some(ty) if ty.is_vector() => ty,
            Some(ty) => return self.error(format!("a vector constant cannot have type {ty}")),
            None => return self.error("`vconst` needs a type"),
        };
        if self.peek_entity("const").is_some() {
            let constant = Constant::from_u32(self.entity("const", "a constant")?);
            let Some(bytes) = ctx.func.dfg.constants.get(constant) else {
                return self.error(format!("{constant} is not declared"));
            };
            return match <[u8; 16]>::try_from(&bytes[..]) {
                Ok(bytes) => Ok(bytes),
                Err(_) => self.error(format!("{constant} has {} bytes, expected 16", bytes.len())),
            };
        }
        let listed = self.eat('[');
        let mut text = String::new();
        while let Tok::Number(word) | Tok::Ident(word) = self.peek() {
            text.push_str(word);
            text.push(' ');
            self.advance();
            if !listed {
                break;
            }
        }
        if text.is_empty() {
            return self.expected("a vector");
        }
        let text = if listed { format!("[{text}]") } else { text };
        let value = match DataValue::parse(&text, ty) {
            Ok(value) => value,
            Err(message) => return self.error(message),
        };
        if listed {
            self.expect(']')?;
        }
        Ok(value.bytes())
    }

    pub fn mem_flags(&mut self) -> Parse<MemFlags> {
        let mut flags = MemFlags::default();
        let endian = |parser: &Self, flags: &mut MemFlags, which| match flags.endianness {
            Some(other) if other != which => parser.error("both `big` and `little`"),
            _ => {
                flags.endianness = Some(which);
                Ok(())
            }
        };
        while let Tok::Ident(word) = self.peek() {
            match word {
                "aligned" => flags.aligned = true,
                "readonly" => flags.readonly = true,
                "can_move" => flags.can_move = true,
                "notrap" => flags.trap = None,
                "checked" => {}
                "big" => endian(self, &mut flags, Endianness::Big)?,
                "little" => endian(self, &mut flags, Endianness::Little)?,
                _ => {
                    let named = AliasRegion::NAMED.iter().find(|(_, name)| *name == word);
                    let declared = self.peek_entity("region").map(AliasRegion::Declared);
                    let region = named.map(|(region, _)| *region).or(declared);
                    match (region, TrapCode::parse(word)) {
                        (Some(region), _) if flags.region.is_none_or(|other| other == region) => {
                            flags.region = Some(region);
                        }
                        (Some(_), _) => return self.error("two alias regions"),
                        (None, Some(code)) => flags.trap = Some(code),
                        (None, None) => return Ok(flags),
                    }
                }
            }
            self.advance();
        }
        Ok(flags)
    }

    fn block_call(&mut self, ctx: &mut FuncCtx) -> Parse<BlockCall> {
        let line = self.line();
        let block = self.block()?;
        ctx.note_block(block);
        ctx.block_uses.push((block, line));
        let mut args: SmallVec<[BlockArg; 4]> = SmallVec::new();
        if self.eat('(') && !self.eat(')') {
            loop {
                args.push(if self.peek_entity("ret").is_some() {
                    BlockArg::TryCallRet(self.entity("ret", "a return value")?)
                } else if self.peek_entity("exn").is_some() {
                    BlockArg::TryCallExn(self.entity("exn", "an exception payload")?)
                } else {
                    BlockArg::Value(self.arg(ctx)?)
                });
                if !self.eat(',') {
                    break;
                }
            }
            self.expect(')')?;
        }
        Ok(BlockCall::new(block, args, &mut ctx.func.dfg.block_args))
    }

    /// `, sig0, block1(ret0), [ tag1: block2(exn0), context v3, default: block4 ]`
    fn exception_table(&mut self, ctx: &mut FuncCtx) -> Parse<ExceptionTable> {
        self.expect(',')?;
        let sig = SigRef::from_u32(self.entity("sig", "a signature")?);
        self.expect(',')?;
        let normal = self.block_call(ctx)?;
        self.expect(',')?;
        self.expect('[')?;
        let mut items = Vec::new();
        while self.peek() != Tok::Punct(']') {
            items.push(if self.eat_word("default") {
                self.expect(':')?;
                ExceptionItem::Default(self.block_call(ctx)?)
            } else if self.eat_word("context") {
                ExceptionItem::Context(self.arg(ctx)?)
            } else {
                let tag = self.entity("tag", "`tagN`, `default` or `context`")?;
                self.expect(':')?;
                ExceptionItem::Tag(tag, self.block_call(ctx)?)
            });
            if !self.eat(',') {
                break;
            }
        }
        self.expect(']')?;
        Ok(ctx.func.dfg.exception_tables.push(ExceptionTableData { sig, normal, items }))
    }

    /// `, state [0: v1, 3: v5]` after everything else.
    fn state(&mut self, ctx: &mut FuncCtx, inst: Inst) -> Parse<()> {
        if self.peek() != Tok::Punct(',') || self.peek_second() != Tok::Ident("state") {
            return Ok(());
        }
        self.advance();
        self.advance();
        self.expect('[')?;
        let mut state = Vec::new();
        while self.peek() != Tok::Punct(']') {
            let Ok(key) = u32::try_from(self.int()?) else {
                return self.error("the key of a state entry is a number of 32 bits");
            };
            self.expect(':')?;
            state.push(StateEntry { key, value: self.arg(ctx)? });
            if !self.eat(',') {
                break;
            }
        }
        self.expect(']')?;
        ctx.func.dfg.set_state(inst, state);
        Ok(())
    }

    /// `, tag 7`, `, init off` and `, off v3, v4` after a call's arguments.
    fn site_attributes(
        &mut self,
        ctx: &mut FuncCtx,
        raw: &mut RawInst,
        site: &mut Option<SiteInfo>,
    ) -> Parse<()> {
        if self.peek() == Tok::Punct(',') && self.peek_second() == Tok::Ident("stack_map") {
            return self.unsupported("stack maps are not supported");
        }
        while self.peek() == Tok::Punct(',')
            && matches!(self.peek_second(), Tok::Ident("tag" | "init" | "off"))
        {
            self.advance();
            let info = site.get_or_insert_default();
            match self.word("`tag`, `init` or `off`")? {
                "tag" => info.tag = self.int()? as u64,
                "init" => {
                    info.on = match self.word("`on` or `off`")? {
                        "on" => true,
                        "off" => false,
                        _ => return self.error("a site starts `on` or `off`"),
                    }
                }
                _ => loop {
                    raw.pass_through.push(self.arg(ctx)?);
                    let more = self.peek() == Tok::Punct(',')
                        && matches!(self.peek_second(), Tok::Ident(word) if word.starts_with('v'));
                    if !more {
                        break;
                    }
                    self.advance();
                },
            }
        }
        Ok(())
    }
}
