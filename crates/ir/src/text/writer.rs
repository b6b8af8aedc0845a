//! Writing functions as text that the reader takes.

use crate::dfg::ValueDef;
use crate::entities::*;
use crate::function::{Function, GlobalValueData};
use crate::inst::*;
use crate::memflags::MemFlags;
use crate::opcode::{Ctrl, Format, Opcode};
use crate::states::StateCursor;
use std::fmt::{self, Write};

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "function {}{} {{", self.name, self.signature)?;
        f.write_str("\n")?;
        preamble(self, f)?;
        let aliases = self.aliases_by_target();
        let mut states = StateCursor::new(&self.dfg.states);
        for (n, block) in self.layout.blocks().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{block}")?;
            for (i, &v) in self.dfg.block_params(block).iter().enumerate() {
                f.write_str(if i == 0 { "(" } else { ", " })?;
                write!(f, "{v}: {}", self.dfg.value_type(v))?;
            }
            let params = self.dfg.block_params(block);
            f.write_str(if params.is_empty() { "" } else { ")" })?;
            f.write_str(if self.dfg.blocks[block].cold { " cold:\n" } else { ":\n" })?;
            write_aliases(f, &aliases, params)?;
            for inst in self.layout.block_insts(block) {
                match self.source_locs[inst] {
                    Some(location) => write!(f, "@{location:04x} ")?,
                    None => f.write_str("    ")?,
                }
                self.display_inst(inst).operation(f)?;
                if let Some(state) = self.dfg.states.of(inst) {
                    write_state(f, &states.entries(state))?;
                }
                f.write_str("\n")?;
                write_aliases(f, &aliases, self.dfg.results(inst))?;
            }
        }
        f.write_str("}\n")
    }
}

type Aliases = rustc_hash::FxHashMap<Value, Vec<Value>>;

/// Writes the aliases of these values, and aliases of aliases.
fn write_aliases(f: &mut fmt::Formatter<'_>, aliases: &Aliases, values: &[Value]) -> fmt::Result {
    let mut stack: Vec<Value> = values.iter().rev().copied().collect();
    while let Some(v) = stack.pop() {
        for &alias in aliases.get(&v).map_or(&[][..], |list| list) {
            writeln!(f, "    {alias} -> {v}")?;
            stack.push(alias);
        }
    }
    Ok(())
}

fn preamble(func: &Function, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut any = false;
    for (slot, data) in &func.stack_slots {
        any = true;
        write!(f, "    {slot} = explicit_slot {}", data.size)?;
        if data.align_shift > 0 {
            write!(f, ", align = {}", 1u64 << data.align_shift)?;
        }
        if let Some(key) = data.key {
            write!(f, ", key = {key}")?;
        }
        f.write_str("\n")?;
    }
    for (n, region) in func.alias_regions.iter().enumerate() {
        any = true;
        writeln!(f, "    region{n} = {} \"{}\"", region.user_id, region.description)?;
    }
    for (gv, data) in &func.global_values {
        any = true;
        write!(f, "    {gv} = ")?;
        match data {
            GlobalValueData::VMContext => f.write_str("vmctx")?,
            GlobalValueData::Load { base, offset, ty, flags } => {
                write!(f, "load.{ty}{flags} {base}{}", Offset(i64::from(*offset)))?;
            }
            GlobalValueData::IAddImm { base, offset, ty } => write!(f, "iadd_imm.{ty} {base}, {offset}")?,
            GlobalValueData::Symbol { name, offset, colocated, tls } => {
                let colocated = if *colocated { "colocated " } else { "" };
                let tls = if *tls { "tls " } else { "" };
                write!(f, "symbol {colocated}{tls}{name}{}", Offset(*offset))?;
            }
        }
        f.write_str("\n")?;
    }
    for (sig, data) in &func.dfg.signatures {
        any = true;
        writeln!(f, "    {sig} = {data}")?;
    }
    for (func_ref, data) in &func.dfg.ext_funcs {
        any = true;
        let colocated = if data.colocated { "colocated " } else { "" };
        let patchable = if data.patchable { "patchable " } else { "" };
        let readonly = if data.readonly { "readonly " } else { "" };
        writeln!(f, "    {func_ref} = {colocated}{patchable}{readonly}{} {}", data.name, data.signature)?;
    }
    for (constant, bytes) in &func.dfg.constants {
        any = true;
        write!(f, "    {constant} = 0x")?;
        bytes.iter().rev().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str("\n")?;
    }
    f.write_str(if any && func.layout.entry_block().is_some() { "\n" } else { "" })
}

/// An offset with its sign; nothing if it is 0.
struct Offset(i64);

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 { Ok(()) } else { write!(f, "{:+}", self.0) }
    }
}

struct List<'a>(&'a [Value]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, v) in self.0.iter().enumerate() {
            write!(f, "{}{v}", if i == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

/// An instruction as text, without its place.
pub struct DisplayInst<'a> {
    func: &'a Function,
    inst: Inst,
}

impl Function {
    /// The instruction as text: `v3 = iadd v1, v2`.
    pub fn display_inst(&self, inst: Inst) -> DisplayInst<'_> {
        DisplayInst { func: self, inst }
    }

    fn aliases_by_target(&self) -> Aliases {
        let mut aliases = Aliases::default();
        for index in 0..self.dfg.num_values() {
            let v = Value::from_u32(index as u32);
            if let ValueDef::Alias(to) = self.dfg.value_def(v) {
                aliases.entry(to).or_default().push(v);
            }
        }
        aliases
    }

    /// Whether the type must be written because the reader could not infer it.
    fn writes_type(&self, inst: Inst) -> bool {
        self.dfg.insts[inst].opcode.info().ctrl == Ctrl::Explicit
    }
}

impl fmt::Display for DisplayInst<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.operation(f)?;
        self.func.dfg.state(self.inst).map_or(Ok(()), |entries| write_state(f, &entries))
    }
}

fn write_state(f: &mut fmt::Formatter<'_>, entries: &[StateEntry]) -> fmt::Result {
    f.write_str(", state [")?;
    for (i, entry) in entries.iter().enumerate() {
        write!(f, "{}{}: {}", if i == 0 { "" } else { ", " }, entry.key, entry.value)?;
    }
    f.write_str("]")
}

impl DisplayInst<'_> {
    /// The instruction without its state.
    fn operation(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (func, inst) = (self.func, self.inst);
        let dfg = &func.dfg;
        let data = &dfg.insts[inst];
        let results = dfg.results(inst);
        if !results.is_empty() {
            write!(f, "{} = ", List(results))?;
        }
        let site = dfg.sites.get(&inst);
        let declared = dfg.call_target(inst).is_some_and(|func| dfg.ext_funcs[func].patchable);
        let patchable_call = data.opcode == Opcode::Call && site.is_some() && !declared;
        f.write_str(if patchable_call { "patchable_call" } else { data.opcode.name() })?;
        if func.writes_type(inst) {
            write!(f, ".{}", data.ty)?;
        }
        let args = dfg.args(inst);
        let list = |f: &mut fmt::Formatter<'_>| match args {
            [] => Ok(()),
            args => write!(f, " {}", List(args)),
        };
        match data.extra {
            Extra::None => list(f),
            Extra::Imm(imm) => f.write_str(" ").and_then(|()| immediate(f, data.opcode, imm)),
            Extra::Bytes(bytes) => {
                list(f)?;
                f.write_str(if args.is_empty() { " 0x" } else { ", 0x" })?;
                bytes.iter().rev().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
            Extra::Lane(lane) => write!(f, " {}, {lane}", List(args)),
            Extra::IntCC(cc) => write!(f, " {cc} {}", List(args)),
            Extra::FloatCC(cc) => write!(f, " {cc} {}", List(args)),
            Extra::Trap(code) if args.is_empty() => write!(f, " {code}"),
            Extra::Trap(code) => write!(f, " {}, {code}", List(args)),
            Extra::Mem(flags, offset) => {
                if data.opcode.format() == Format::LoadNoOffset && data.opcode == Opcode::Bitcast {
                    return match flags.endianness {
                        Some(_) => write!(f, "{} {}", endianness(flags), List(args)),
                        None => write!(f, " {}", List(args)),
                    };
                }
                write!(f, "{flags} {}{}", List(args), Offset(i64::from(offset)))
            }
            Extra::Atomic(flags, op) => write!(f, "{flags} {op} {}", List(args)),
            Extra::Stack(slot, offset) => write!(f, " {slot}{}", Offset(i64::from(offset))),
            Extra::Global(gv) => write!(f, " {gv}"),
            Extra::Const(constant) => write!(f, " {constant}"),
            Extra::Func(callee) if !data.opcode.is_call() => write!(f, " {callee}"),
            Extra::Func(callee) => {
                write!(f, " {callee}({})", List(args))?;
                site_attributes(f, site, args, declared || patchable_call)
            }
            Extra::Sig(sig) => {
                let patchable = if site.is_some() { " patchable" } else { "" };
                write!(f, "{patchable} {sig}, {}({})", args[0], List(&args[1..]))?;
                site_attributes(f, site, &args[1..], true)
            }
            Extra::TryCall(callee, table) => {
                write!(f, " {callee}({})", List(args))?;
                site_attributes(f, site, args, declared)?;
                exception_table(f, func, table)
            }
            Extra::TryCallIndirect(table) => {
                let patchable = if site.is_some() { " patchable" } else { "" };
                write!(f, "{patchable} {}({})", args[0], List(&args[1..]))?;
                site_attributes(f, site, &args[1..], true)?;
                exception_table(f, func, table)
            }
            Extra::Jump(call) => write!(f, " {}", display_call(func, &call)),
            Extra::Brif(then, other) => {
                write!(f, " {}, {}, {}", args[0], display_call(func, &then), display_call(func, &other))
            }
            Extra::Table(table) => {
                let table = &dfg.jump_tables[table];
                write!(f, " {}, {}, [", args[0], display_call(func, &table.default))?;
                for (i, entry) in table.entries.iter().enumerate() {
                    write!(f, "{}{}", if i == 0 { "" } else { ", " }, display_call(func, entry))?;
                }
                f.write_str("]")
            }
        }
    }
}

fn endianness(flags: MemFlags) -> String {
    MemFlags { endianness: flags.endianness, ..MemFlags::default() }.to_string()
}

fn immediate(f: &mut fmt::Formatter<'_>, opcode: Opcode, imm: i64) -> fmt::Result {
    match opcode {
        Opcode::F32const => f.write_str(&crate::immediates::format_f32(imm as u32)),
        Opcode::F64const => f.write_str(&crate::immediates::format_f64(imm as u64)),
        _ if imm.unsigned_abs() < 10_000 => write!(f, "{imm}"),
        _ => hex(f, imm),
    }
}

/// Large integers in hexadecimal, in groups of four digits.
fn hex(f: &mut fmt::Formatter<'_>, imm: i64) -> fmt::Result {
    let digits = format!("{:x}", imm.unsigned_abs());
    f.write_str(if imm < 0 { "-0x" } else { "0x" })?;
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 4 == 0 {
            f.write_char('_')?;
        }
        f.write_char(c)?;
    }
    Ok(())
}

/// `marked`: whether the rest of the text says that the call is patchable; if not,
/// the tag is written even if it is 0.
fn site_attributes(
    f: &mut fmt::Formatter<'_>,
    site: Option<&SiteInfo>,
    args: &[Value],
    marked: bool,
) -> fmt::Result {
    let Some(site) = site else { return Ok(()) };
    if site.tag != 0 || !marked {
        write!(f, ", tag {}", site.tag)?;
    }
    if !site.on {
        f.write_str(", init off")?;
    }
    for (i, &index) in site.pass_through.iter().enumerate() {
        f.write_str(if i == 0 { ", off " } else { ", " })?;
        match args.get(index as usize) {
            Some(v) => write!(f, "{v}")?,
            None => write!(f, "?{index}")?,
        }
    }
    Ok(())
}

fn exception_table(f: &mut fmt::Formatter<'_>, func: &Function, table: ExceptionTable) -> fmt::Result {
    let table = &func.dfg.exception_tables[table];
    write!(f, ", {}, {}, [", table.sig, display_call(func, &table.normal))?;
    for (i, item) in table.items.iter().enumerate() {
        f.write_str(if i == 0 { " " } else { ", " })?;
        match item {
            ExceptionItem::Tag(tag, call) => write!(f, "tag{tag}: {}", display_call(func, call))?,
            ExceptionItem::Default(call) => write!(f, "default: {}", display_call(func, call))?,
            ExceptionItem::Context(v) => write!(f, "context {v}")?,
        }
    }
    f.write_str(if table.items.is_empty() { "]" } else { " ]" })
}

fn display_call(func: &Function, call: &BlockCall) -> String {
    let args: Vec<String> = call.args(&func.dfg.block_args).map(|arg| arg.to_string()).collect();
    if args.is_empty() { call.block.to_string() } else { format!("{}({})", call.block, args.join(", ")) }
}

impl fmt::Debug for DisplayInst<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
