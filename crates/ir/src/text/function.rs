//! Functions: head, preamble, blocks.

use super::inst::RawInst;
use super::lexer::Tok;
use super::parser::{MAX_ENTITY, Parse, Parser};
use super::resolve::resolve;
use super::{ParseError, ParsedFunction, SourceMap};
use crate::entities::*;
use crate::function::{AliasRegionData, Function, GlobalValueData, StackSlotData};
use crate::signature::{ExtFuncData, ExternalName, Signature};
use cranelift_entity::{EntityRef, PrimaryMap};
use std::ops::Range;

/// A function while it is read: instructions may name values that come later.
pub(super) struct FuncCtx {
    pub func: Function,
    pub source: SourceMap,
    pub insts: Vec<RawInst>,
    /// `v1 -> v2` with their lines.
    pub aliases: Vec<(Value, Value, u32)>,
    /// The lines of first uses of blocks, for those that never come.
    pub block_uses: Vec<(Block, u32)>,
    /// One past the highest value number.
    pub next_value: u32,
    /// Signatures written with a function instead of named, and the numbers of the
    /// functions that have them. They come after those that have numbers.
    unnamed_signatures: Vec<(Range<usize>, Signature)>,
}

impl FuncCtx {
    pub fn note_value(&mut self, v: Value) {
        self.next_value = self.next_value.max(v.as_u32() + 1);
    }

    /// Makes the block exist.
    pub fn note_block(&mut self, block: Block) {
        while !self.func.dfg.blocks.is_valid(block) {
            self.func.dfg.make_block();
        }
    }

    fn at(&mut self, entity: AnyEntity, line: u32) {
        self.source.lines.insert(entity, line);
    }
}

/// Adds an entity that must have the next number of its kind. Cranelift's reader
/// fills holes; so do we, with `hole`.
fn declare<K: EntityRef, V>(
    parser: &Parser<'_>,
    map: &mut PrimaryMap<K, V>,
    number: u32,
    data: V,
    hole: impl Fn() -> V,
) -> Parse<K> {
    if (number as usize) < map.len() {
        return parser.error("the entity is declared twice");
    }
    if number as usize > map.len() + 4096 {
        return parser.error(format!("the number {number} is too far from the one before"));
    }
    while map.len() < number as usize {
        map.push(hole());
    }
    Ok(map.push(data))
}

impl Parser<'_> {
    /// `function %name(…) -> … { … }` with the comments behind it.
    pub fn function(&mut self) -> Parse<ParsedFunction> {
        self.entity = AnyEntity::Function;
        let line = self.line();
        if !self.eat_word("function") {
            return self.expected("`function`");
        }
        let name = self.external_name()?;
        let signature = self.signature()?;
        let mut ctx = FuncCtx {
            func: Function::new(name, signature),
            source: SourceMap { function: line, ..SourceMap::default() },
            insts: Vec::new(),
            aliases: Vec::new(),
            block_uses: Vec::new(),
            next_value: 0,
            unnamed_signatures: Vec::new(),
        };
        if let Tok::Ident(word) = self.peek() {
            return self.unsupported(format!("calling convention {word} is not supported"));
        }
        self.expect('{')?;
        while !matches!(self.peek(), Tok::Punct('}')) && self.peek_entity("block").is_none() {
            self.preamble_item(&mut ctx)?;
        }
        for (numbers, signature) in std::mem::take(&mut ctx.unnamed_signatures) {
            let sig = ctx.func.dfg.signatures.push(signature);
            numbers.for_each(|n| ctx.func.dfg.ext_funcs[FuncRef::new(n)].signature = sig);
        }
        while self.peek_entity("block").is_some() {
            self.block_body(&mut ctx)?;
        }
        self.entity = AnyEntity::Function;
        self.expect('}')?;
        resolve(&mut ctx)?;
        let comments = std::mem::take(&mut self.comments);
        Ok(ParsedFunction { func: ctx.func, source: ctx.source, comments })
    }

    fn preamble_item(&mut self, ctx: &mut FuncCtx) -> Parse<()> {
        let line = self.line();
        let Tok::Ident(word) = self.peek() else { return self.expected("a declaration or a block") };
        if let Some(n) = self.peek_entity("ss") {
            self.entity = AnyEntity::StackSlot(StackSlot::from_u32(n.min(MAX_ENTITY)));
            self.entity("ss", "a stack slot")?;
            self.expect('=')?;
            let data = self.stack_slot()?;
            let hole = || StackSlotData { size: 0, align_shift: 0, key: None };
            let slot = declare(self, &mut ctx.func.stack_slots, n, data, hole)?;
            ctx.at(AnyEntity::StackSlot(slot), line);
        } else if let Some(n) = self.peek_entity("gv") {
            self.entity = AnyEntity::GlobalValue(GlobalValue::from_u32(n.min(MAX_ENTITY)));
            self.entity("gv", "a global value")?;
            self.expect('=')?;
            let data = self.global_value()?;
            // A symbol, since that asks nothing of the function.
            let hole = || GlobalValueData::Symbol {
                name: ExternalName::named("undeclared"),
                offset: 0,
                colocated: false,
                tls: false,
            };
            let gv = declare(self, &mut ctx.func.global_values, n, data, hole)?;
            ctx.at(AnyEntity::GlobalValue(gv), line);
        } else if let Some(n) = self.peek_entity("sig") {
            self.entity = AnyEntity::SigRef(SigRef::from_u32(n.min(MAX_ENTITY)));
            self.entity("sig", "a signature")?;
            self.expect('=')?;
            let data = self.signature()?;
            let hole = || Signature::new(crate::CallConv::Fast);
            let sig = declare(self, &mut ctx.func.dfg.signatures, n, data, hole)?;
            ctx.at(AnyEntity::SigRef(sig), line);
        } else if let Some(n) = self.peek_entity("fn") {
            self.entity = AnyEntity::FuncRef(FuncRef::from_u32(n.min(MAX_ENTITY)));
            self.entity("fn", "a function reference")?;
            self.expect('=')?;
            let (data, unnamed) = self.ext_func(ctx)?;
            let first = ctx.func.dfg.ext_funcs.len();
            let hole = ExtFuncData {
                name: ExternalName::named("undeclared"),
                signature: data.signature,
                colocated: false,
                patchable: false,
                readonly: false,
            };
            let func = declare(self, &mut ctx.func.dfg.ext_funcs, n, data, || hole.clone())?;
            if let Some(signature) = unnamed {
                ctx.unnamed_signatures.push((first..ctx.func.dfg.ext_funcs.len(), signature));
            }
            ctx.at(AnyEntity::FuncRef(func), line);
        } else if let Some(n) = self.peek_entity("region") {
            if n as usize != ctx.func.alias_regions.len() {
                return self.error("alias regions are declared in order: region0, region1, …");
            }
            self.entity("region", "an alias region")?;
            self.expect('=')?;
            let user_id = self.int()? as u64;
            let Tok::Str(description) = self.peek() else { return self.expected("a description in quotes") };
            self.advance();
            let description = description.to_string();
            ctx.func.alias_regions.push(AliasRegionData { user_id, description });
        } else if let Some(n) = self.peek_entity("const") {
            self.entity("const", "a constant")?;
            self.expect('=')?;
            let bytes = self.constant_bytes()?;
            let constant = declare(self, &mut ctx.func.dfg.constants, n, bytes, Vec::new)?;
            ctx.at(AnyEntity::Constant(constant), line);
        } else {
            return self.unsupported(format!("unknown declaration `{word}`"));
        }
        Ok(())
    }

    fn stack_slot(&mut self) -> Parse<StackSlotData> {
        let kind = self.word("`explicit_slot`")?;
        if kind != "explicit_slot" && kind != "spill_slot" {
            return self.unsupported(format!("unknown kind of stack slot `{kind}`"));
        }
        let size = self.uint32()?;
        let mut data = StackSlotData { size, align_shift: 0, key: None };
        while self.eat(',') {
            let name = self.word("`align` or `key`")?;
            self.expect('=')?;
            match name {
                "align" => {
                    let align = self.uint32()?;
                    if !align.is_power_of_two() {
                        return self.error(format!("alignment {align} is not a power of two"));
                    }
                    data.align_shift = align.trailing_zeros() as u8;
                }
                "key" => data.key = Some(self.int()? as u64),
                _ => return self.error(format!("unknown attribute `{name}` of a stack slot")),
            }
        }
        Ok(data)
    }

    fn global_value(&mut self) -> Parse<GlobalValueData> {
        match self.word("a kind of global value")? {
            "vmctx" => Ok(GlobalValueData::VMContext),
            "load" => {
                self.expect('.')?;
                let ty = self.ty()?;
                let flags = self.mem_flags()?;
                let base = self.entity("gv", "a global value").map(GlobalValue::from_u32)?;
                Ok(GlobalValueData::Load { base, offset: self.offset32()?, ty, flags })
            }
            "iadd_imm" => {
                self.expect('.')?;
                let ty = self.ty()?;
                let base = self.entity("gv", "a global value").map(GlobalValue::from_u32)?;
                self.expect(',')?;
                Ok(GlobalValueData::IAddImm { base, offset: self.int()?, ty })
            }
            "symbol" => {
                let (mut colocated, mut tls) = (false, false);
                loop {
                    if self.eat_word("colocated") {
                        colocated = true;
                    } else if self.eat_word("tls") {
                        tls = true;
                    } else {
                        break;
                    }
                }
                let name = self.external_name()?;
                Ok(GlobalValueData::Symbol { name, offset: self.optional_offset()?, colocated, tls })
            }
            kind => self.unsupported(format!("unknown kind of global value `{kind}`")),
        }
    }

    /// The function, and its signature if that is not one with a number.
    fn ext_func(&mut self, ctx: &FuncCtx) -> Parse<(ExtFuncData, Option<Signature>)> {
        let (mut colocated, mut patchable, mut readonly) = (false, false, false);
        loop {
            if self.eat_word("colocated") {
                colocated = true;
            } else if self.eat_word("patchable") {
                patchable = true;
            } else if self.eat_word("readonly") {
                readonly = true;
            } else {
                break;
            }
        }
        let name = self.external_name()?;
        let (signature, unnamed) = if self.peek_entity("sig").is_some() {
            let sig = SigRef::from_u32(self.entity("sig", "a signature")?);
            if !ctx.func.dfg.signatures.is_valid(sig) {
                return self.error(format!("{sig} is not declared"));
            }
            (sig, None)
        } else {
            (SigRef::from_u32(0), Some(self.signature()?))
        };
        Ok((ExtFuncData { name, signature, colocated, patchable, readonly }, unnamed))
    }

    fn constant_bytes(&mut self) -> Parse<Vec<u8>> {
        let Tok::Number(text) = self.peek() else {
            return self.unsupported("constants other than `0x…` are not supported");
        };
        let digits: Vec<u32> = match text.strip_prefix("0x") {
            Some(hex) => match hex.chars().filter(|&c| c != '_').map(|c| c.to_digit(16)).collect() {
                Some(digits) => digits,
                None => return self.error(format!("`{text}` is not hexadecimal")),
            },
            None => return self.error("a constant is written in hexadecimal"),
        };
        self.advance();
        let pair = |pair: &[u32]| pair.iter().rev().enumerate().map(|(i, d)| (d << (4 * i)) as u8).sum();
        Ok(digits.rchunks(2).map(pair).collect())
    }

    fn block_body(&mut self, ctx: &mut FuncCtx) -> Parse<()> {
        let line = self.line();
        let block = self.block()?;
        self.entity = AnyEntity::Block(block);
        ctx.note_block(block);
        if ctx.func.layout.is_block_inserted(block) {
            return self.error(format!("{block} is defined twice"));
        }
        ctx.at(AnyEntity::Block(block), line);
        ctx.func.layout.append_block(block);
        if self.eat('(') && !self.eat(')') {
            loop {
                let v = self.value()?;
                self.expect(':')?;
                let ty = self.ty()?;
                ctx.note_value(v);
                self.define(ctx, v)?;
                ctx.func.dfg.attach_block_param(block, ty, v);
                if !self.eat(',') {
                    break;
                }
            }
            self.expect(')')?;
        }
        if self.eat_word("cold") {
            ctx.func.dfg.blocks[block].cold = true;
        }
        self.expect(':')?;
        while !matches!(self.peek(), Tok::Punct('}') | Tok::End) && self.peek_entity("block").is_none() {
            self.instruction(ctx, block)?;
        }
        Ok(())
    }

    /// Refuses a second definition of a value.
    pub fn define(&self, ctx: &mut FuncCtx, v: Value) -> Parse<()> {
        if ctx.source.lines.insert(AnyEntity::Value(v), self.line()).is_some() {
            return Err(ParseError {
                line: self.line(),
                message: format!("{v} is defined twice"),
                unsupported: false,
            });
        }
        Ok(())
    }
}
