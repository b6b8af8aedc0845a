//! Commands that read and write values, globals and memory.

use crate::repl::context::{Context, Flow, nothing};
use crate::repl::{Repl, display};
use crate::session::{Expr, Lvalue, StopView, Unit, Value, evaluate};
use anyhow::{Context as _, bail, ensure};
use sidetrack_engine::{EntityIndex, Instance, Printable, Result};
use std::fmt::Write;

/// The most that `x` prints at once.
const MOST: u64 = 1 << 16;
/// The most characters of a string.
const STRING: u64 = 4096;

/// `globals`.
pub fn globals(repl: &mut Repl, context: &mut Context<'_, '_>, operands: &str) -> Result<Flow> {
    nothing(operands)?;
    let module = context.module();
    let stop = context.stop()?;
    let instance = stop.scope().instance()?;
    for index in 0.. {
        let Some((ty, bits)) = stop.target.global(instance, index) else { break };
        let value = display::value(stop.target, (ty, Some(bits)));
        let _ = write!(repl.text, "global{index} = {value}");
        let exports = &module.info().exports;
        if let Some(export) = exports.iter().find(|export| export.index == EntityIndex::Global(index)) {
            let _ = write!(repl.text, " <{}>", Printable::name(&export.name));
        }
        repl.text.push('\n');
    }
    Ok(Flow::Stay)
}

/// `print`.
pub fn print(repl: &mut Repl, context: &mut Context<'_, '_>, operands: &str) -> Result<Flow> {
    let (operands, hexadecimal) = match operands.strip_prefix("/x") {
        Some(rest) => (rest.trim(), true),
        None => (operands, false),
    };
    let expr = Expr::parse(operands)?;
    let value = match context {
        Context::Stopped(stop) => stop.scope().evaluate(&expr)?,
        // What is computed of numbers alone needs no program.
        Context::Idle(_) => evaluate(&expr, &mut |_| bail!("the program is not running"))?,
    };
    let _ = match value {
        Value::Int(value) if hexadecimal => {
            let sign = if value < 0 { "-" } else { "" };
            writeln!(repl.text, "{sign}{:#x}", value.unsigned_abs())
        }
        value => writeln!(repl.text, "{value}"),
    };
    Ok(Flow::Stay)
}

/// `set`.
pub fn set(_: &mut Repl, context: &mut Context<'_, '_>, operands: &str) -> Result<Flow> {
    let equals = operands.find('=').filter(|at| !operands[at + 1..].starts_with('='));
    let equals = equals.context("PLACE = EXPRESSION is expected")?;
    let (place, expr) = (operands[..equals].trim(), operands[equals + 1..].trim());
    let place = match place.split_at(place.find([' ', '\t', '/']).unwrap_or(place.len())) {
        ("global", index) => Lvalue::parse(&format!("global{}", index.trim()))?,
        ("memory", rest) => {
            let (bytes, address) = match rest.strip_prefix('/') {
                None => (4, rest),
                Some(rest) => {
                    let size = rest.chars().next().and_then(size);
                    (size.context("a size of b, h, w or g is expected")?, &rest[1..])
                }
            };
            let (address, memory) = memory_of(address.trim())?;
            let unit = Unit::Int { bytes: bytes as usize, signed: false };
            Lvalue::Memory { memory, unit, address: Box::new(Expr::parse(address)?) }
        }
        _ => Lvalue::parse(place)?,
    };
    let expr = Expr::parse(expr)?;
    let stop = context.stop()?;
    let mut scope = stop.scope();
    let (value, instance) = (scope.evaluate(&expr)?, scope.instance()?);
    match place {
        Lvalue::Global(index) => {
            let global = scope.target.global(instance, index);
            let (ty, _) = global.with_context(|| format!("there is no global{index}"))?;
            scope.target.write_global(instance, index, value.val(ty)?)?;
        }
        Lvalue::Memory { memory, unit, address } => {
            let address = scope.address(&address)?;
            scope.target.write_memory(instance, memory, address, &value.bytes(unit)?)?;
        }
        Lvalue::Local(_) | Lvalue::Stack(_) | Lvalue::Pc => {
            bail!("only globals and memory can be written; compiled code has copies of the rest")
        }
    }
    Ok(Flow::Stay)
}

/// How `x` goes on: what was printed last, and what is behind it.
#[derive(Clone, Copy, Debug)]
pub struct Examined {
    format: Format,
    bytes: u64,
    memory: u32,
    next: u64,
}

impl Default for Examined {
    fn default() -> Self {
        Examined { format: Format::Hexadecimal, bytes: 4, memory: 0, next: 0 }
    }
}

/// How memory is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Hexadecimal,
    Signed,
    Unsigned,
    Float,
    Character,
    String,
    Operators,
}

fn size(letter: char) -> Option<u64> {
    Some(match letter {
        'b' => 1,
        'h' => 2,
        'w' => 4,
        'g' => 8,
        _ => return None,
    })
}

/// Splits `ADDRESS @MEMORY`.
fn memory_of(text: &str) -> Result<(&str, u32)> {
    match text.rsplit_once('@') {
        Some((address, memory)) if !memory.contains('[') => {
            let index = memory.trim().parse().ok();
            Ok((address.trim(), index.with_context(|| format!("`{memory}` is no memory's index"))?))
        }
        _ => Ok((text, 0)),
    }
}

/// Reads `/COUNT FORMAT SIZE`, which has no spaces; returns the count.
fn format(text: &str, examined: &mut Examined) -> Result<u64> {
    let letters = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let count = match &text[..text.len() - letters.len()] {
        "" => 1,
        digits => digits
            .parse()
            .ok()
            .filter(|count| (1..=MOST).contains(count))
            .context("the count is not right")?,
    };
    let mut sized = false;
    for letter in letters.chars() {
        if let Some(bytes) = size(letter) {
            (examined.bytes, sized) = (bytes, true);
            continue;
        }
        examined.format = match letter {
            'x' => Format::Hexadecimal,
            'd' => Format::Signed,
            'u' => Format::Unsigned,
            'f' => Format::Float,
            'c' => Format::Character,
            's' => Format::String,
            'i' => Format::Operators,
            _ => bail!("there is no format `{letter}`; see `help x`"),
        };
    }
    match examined.format {
        Format::Character if !sized => examined.bytes = 1,
        Format::Float if !sized && examined.bytes < 4 => examined.bytes = 8,
        Format::Float if examined.bytes < 4 => bail!("floats have a size of w or g"),
        _ => {}
    }
    Ok(count)
}

/// `x`.
pub fn examine(repl: &mut Repl, context: &mut Context<'_, '_>, operands: &str) -> Result<Flow> {
    let mut examined = repl.examined;
    let (count, rest) = match operands.strip_prefix('/') {
        None => (1, operands),
        Some(rest) => {
            let (text, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            (format(text, &mut examined)?, rest.trim())
        }
    };
    let module = context.module();
    if !rest.is_empty() {
        let (address, memory) = memory_of(rest)?;
        let address = Expr::parse(address)?;
        examined.memory = memory;
        examined.next = match (context.stop(), address) {
            (Ok(stop), address) => stop.scope().address(&address)?,
            // The operators of a module are there without a program.
            (Err(_), Expr::Int(pc)) if examined.format == Format::Operators => u64::try_from(pc)?,
            (Err(error), _) => return Err(error),
        };
    }
    if examined.format == Format::Operators {
        operators(repl, &module, count, &mut examined)?;
    } else {
        let stop = context.stop()?;
        let instance = stop.scope().instance()?;
        match examined.format {
            Format::String => strings(&mut repl.text, stop, instance, count, &mut examined)?,
            _ => units(&mut repl.text, stop, instance, count, &mut examined)?,
        }
    }
    repl.examined = examined;
    Ok(Flow::Stay)
}

fn operators(
    repl: &mut Repl,
    module: &sidetrack_engine::Module,
    count: u64,
    examined: &mut Examined,
) -> Result<()> {
    let pc = examined.next;
    let functions = &module.info().functions;
    let func = functions.iter().position(|function| {
        let body = u64::from(function.body.start)..u64::from(function.body.end);
        body.contains(&pc)
    });
    let func = func.with_context(|| format!("{pc:#x} is in no function"))?;
    let lines = repl.lines_of(module, func as u32)?;
    let first = lines.partition_point(|line| u64::from(line.pc) < pc);
    let end = first.saturating_add(count as usize).min(lines.len());
    for line in &lines[first..end] {
        let _ = writeln!(repl.text, "{:#x}: {}", line.pc, line.text);
    }
    examined.next = lines.get(end).map_or(functions[func].body.end, |line| line.pc).into();
    Ok(())
}

fn units(
    text: &mut String,
    stop: &mut StopView<'_>,
    instance: Instance,
    count: u64,
    examined: &mut Examined,
) -> Result<()> {
    let Examined { format, bytes: size, memory, next: address } = *examined;
    let mut bytes = vec![0; (count * size) as usize];
    stop.target.read_memory(instance, memory, address, &mut bytes)?;
    let per_line = if format == Format::Character { 8 } else { (16 / size).min(8) as usize };
    for (index, unit) in bytes.chunks(size as usize).enumerate() {
        if index % per_line == 0 {
            let start = if index == 0 { "" } else { "\n" };
            let _ = write!(text, "{start}{:#x}:", address + index as u64 * size);
        }
        let mut bits = [0; 8];
        bits[..unit.len()].copy_from_slice(unit);
        let bits = u64::from_le_bytes(bits);
        let unused = 64 - 8 * size as u32;
        let signed = ((bits << unused) as i64) >> unused;
        let _ = match (format, size) {
            (Format::Signed, _) => write!(text, " {signed}"),
            (Format::Unsigned, _) => write!(text, " {bits}"),
            (Format::Float, 4) => write!(text, " {:?}", f32::from_bits(bits as u32)),
            (Format::Float, _) => write!(text, " {:?}", f64::from_bits(bits)),
            (Format::Character, _) => {
                let character: String = std::ascii::escape_default(bits as u8).map(char::from).collect();
                write!(text, " {signed} '{character}'")
            }
            _ => write!(text, " {bits:#0width$x}", width = 2 + 2 * size as usize),
        };
    }
    text.push('\n');
    examined.next = address + bytes.len() as u64;
    Ok(())
}

fn strings(
    text: &mut String,
    stop: &mut StopView<'_>,
    instance: Instance,
    count: u64,
    examined: &mut Examined,
) -> Result<()> {
    let memory = examined.memory;
    let size = stop.target.memory_size(instance, memory);
    let size = size.with_context(|| format!("there is no memory {memory}"))?;
    for _ in 0..count {
        let address = examined.next;
        ensure!(address < size, "{address:#x} is outside of memory {memory}, which has {size:#x} bytes");
        let mut bytes = vec![0; (size - address).min(STRING) as usize];
        stop.target.read_memory(instance, memory, address, &mut bytes)?;
        let end = bytes.iter().position(|byte| *byte == 0);
        let string = &bytes[..end.unwrap_or(bytes.len())];
        let escaped = String::from_utf8_lossy(string).escape_debug().to_string();
        let more = if end.is_none() { "..." } else { "" };
        let _ = writeln!(text, "{address:#x}: \"{escaped}\"{more}");
        examined.next = address + string.len() as u64 + u64::from(end.is_some());
    }
    Ok(())
}
