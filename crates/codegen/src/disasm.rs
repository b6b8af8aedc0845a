//! Disassembly with traps, relocations and patch sites marked.

use capstone::arch::BuildsCapstone;
use sidetrack_artifact::{CompiledFunction, Image, StateMap, StatePlace, Symbol, SymbolName, decode_states};
use std::fmt::Write;

/// The code of a function as text, an instruction a line. Behind the instruction
/// that it belongs to stands `; patchable call: NOP out last 5 bytes`, `; trap:
/// CODE`, `; reloc: KIND SYMBOL+N`, `; state [KEY: PLACE, …]`.
///
/// # Errors
/// If there is no disassembler for the target.
pub fn disassemble(func: &CompiledFunction, target: &str) -> Result<String, String> {
    let lines = instructions(&func.code, target)?;
    let decode = |states: &[u8]| decode_states(states).map_err(|error| error.to_string());
    let (states, trap_states) = (decode(&func.states)?, decode(&func.trap_states)?);
    let mut text = String::new();
    for (index, (start, line)) in lines.iter().enumerate() {
        let end = lines.get(index + 1).map_or(func.code.len() as u32, |next| next.0);
        let _ = write!(text, "{start:4x}: {line}");
        for trap in func.traps.iter().filter(|trap| trap.offset == *start) {
            let _ = write!(text, " ; trap: {}", trap.code);
        }
        for reloc in func.relocs.iter().filter(|reloc| (*start..end).contains(&reloc.offset)) {
            let _ = write!(text, " ; reloc: {:?} {}{:+}", reloc.kind, reloc.symbol, reloc.addend);
        }
        for site in func.patch_sites.iter().filter(|site| site.end == end) {
            let state = if site.initially_on { "" } else { ", off" };
            let tag = if site.tag == 0 { String::new() } else { format!(", tag {}", site.tag) };
            let _ = write!(text, " ; patchable call: NOP out last {} bytes{tag}{state}", site.len);
        }
        let at_end = states.iter().filter(|state| state.offset == end);
        for state in at_end.chain(trap_states.iter().filter(|state| state.offset == *start)) {
            let places: Vec<String> = state.places.iter().map(display).collect();
            let _ = write!(text, " ; state [{}]", places.join(", "));
        }
        text.push('\n');
    }
    Ok(text)
}

/// The code of a function in an image as text, with offsets in the function. Behind an
/// instruction stands `; to NAME` if it calls something by its address, `; wasm 0x1f`
/// where the code of another source location starts, and traps and patch sites as in
/// [`disassemble`].
///
/// # Errors
/// If there is no disassembler for the target, or the image has no such bytes.
pub fn disassemble_symbol(
    image: &Image,
    symbol: &Symbol<'_>,
    target: &str,
    title: &dyn Fn(&SymbolName) -> String,
) -> Result<String, String> {
    let range = symbol.range();
    let code = image.code().get(range.start as usize..range.end as usize);
    let lines = instructions(code.ok_or("the function is outside of the code")?, target)?;
    let mut text = String::new();
    let mut last = None;
    for (index, (start, line)) in lines.iter().enumerate() {
        let end = symbol.offset + lines.get(index + 1).map_or(symbol.size, |next| next.0);
        let _ = write!(text, "{start:4x}: {line}");
        let start = symbol.offset + start;
        if let Some(callee) = callee(image, symbol, line) {
            let _ = write!(text, " ; to {}", title(&callee));
        }
        if let Some(trap) = image.trap_at(start) {
            let _ = write!(text, " ; trap: {trap}");
        }
        if let Some(site) = image.site_ending_at(end).and_then(|index| image.site(index)) {
            let _ = write!(text, " ; patchable call: NOP out last {} bytes, tag {}", site.len, site.tag);
        }
        let location = image.source_at(start);
        if let Some(pc) = location.filter(|_| location != last) {
            let _ = write!(text, " ; wasm {pc:#x}");
        }
        last = location;
        text.push('\n');
    }
    Ok(text)
}

/// What an instruction calls, by the offset from its function's start that is the last
/// number in its text.
fn callee(image: &Image, symbol: &Symbol<'_>, line: &str) -> Option<SymbolName> {
    let (_, offset) = line.strip_prefix("call ")?.rsplit_once("0x")?;
    let offset = u64::from_str_radix(offset, 16).ok()?;
    let offset = u32::try_from(offset.wrapping_add(u64::from(symbol.offset))).ok()?;
    let function =
        image.symbol_at(offset).filter(|symbol| symbol.offset == offset).map(|symbol| symbol.name());
    let import = || image.imports.iter().find(|import| import.veneer == offset);
    function.or_else(|| import().map(|import| import.name.clone()))
}

fn instructions(code: &[u8], target: &str) -> Result<Vec<(u32, String)>, String> {
    match target {
        "x86_64" => x86_64(code),
        "aarch64" => aarch64(code),
        "pulley64" => pulley(code),
        "riscv64" => Ok(riscv64(code)),
        "s390x" => s390x(code),
        _ => Err(format!("no disassembler for {target}")),
    }
}

/// A key of a state map, with `low` or `high` for half a value, and its place: an integer
/// register `i7`, one of floats `f7` or of vectors `v7`, a byte offset from the frame
/// pointer `fp-16`, a constant.
fn display(&(key, place): &(u32, StatePlace)) -> String {
    let key = match key {
        ..StateMap::LOW_HALF => key.to_string(),
        StateMap::LOW_HALF..StateMap::HIGH_HALF => format!("{} low", key - StateMap::LOW_HALF),
        _ => format!("{} high", key - StateMap::HIGH_HALF),
    };
    let place = match place {
        StatePlace::Reg(reg) if reg < StatePlace::FIRST_FLOAT => format!("i{reg}"),
        StatePlace::Reg(reg) if reg < StatePlace::FIRST_VECTOR => {
            format!("f{}", reg - StatePlace::FIRST_FLOAT)
        }
        StatePlace::Reg(reg) if reg < StatePlace::FIRST_UPPER => {
            format!("v{}", reg - StatePlace::FIRST_VECTOR)
        }
        StatePlace::Reg(reg) => format!("upper f{}", reg - StatePlace::FIRST_UPPER),
        StatePlace::Frame(offset) => format!("fp{offset:+}"),
        StatePlace::Const(value) => format!("const {value}"),
        StatePlace::Vector(bytes) => format!("const {:#034x}", u128::from_le_bytes(bytes)),
    };
    format!("{key}: {place}")
}

fn riscv64(code: &[u8]) -> Vec<(u32, String)> {
    let words = code.chunks(4).enumerate().map(|(n, bytes)| {
        let text = bytes.try_into().ok().map(u32::from_le_bytes).map(|word| {
            let text = crate::isa::riscv64::disasm::instruction(word);
            text.unwrap_or_else(|| format!(".word {word:#010x}"))
        });
        (4 * n as u32, text.unwrap_or_else(|| format!(".byte {bytes:02x?}")))
    });
    words.collect()
}

fn x86_64(code: &[u8]) -> Result<Vec<(u32, String)>, String> {
    use capstone::arch::x86::ArchMode;
    let engine = capstone::Capstone::new().x86().mode(ArchMode::Mode64).build();
    capstone(&engine.map_err(|error| error.to_string())?, code, false, |_| 1)
}

fn aarch64(code: &[u8]) -> Result<Vec<(u32, String)>, String> {
    use capstone::arch::arm64::ArchMode;
    let engine = capstone::Capstone::new().arm64().mode(ArchMode::Arm).build();
    capstone(&engine.map_err(|error| error.to_string())?, code, false, |_| 4)
}

/// What the disassembler does not know has the length that its first two bits say.
fn s390x(code: &[u8]) -> Result<Vec<(u32, String)>, String> {
    let engine = capstone::Capstone::new().sysz().mode(capstone::arch::sysz::ArchMode::Default).build();
    capstone(&engine.map_err(|error| error.to_string())?, code, true, |first| {
        [2, 4, 4, 6][usize::from(first >> 6)]
    })
}

/// Offset and text of each instruction. What does not decode, constants among it,
/// is shown as so many bytes as its first one says.
fn capstone(
    engine: &capstone::Capstone,
    code: &[u8],
    big_endian: bool,
    unit: fn(u8) -> usize,
) -> Result<Vec<(u32, String)>, String> {
    let mut lines = Vec::new();
    let mut at = 0;
    while at < code.len() {
        let insts = engine.disasm_all(&code[at..], at as u64).map_err(|error| error.to_string())?;
        for inst in insts.iter() {
            let text = format!("{} {}", inst.mnemonic().unwrap_or("?"), inst.op_str().unwrap_or(""));
            lines.push((inst.address() as u32, text.trim_end().to_string()));
            at = inst.address() as usize + inst.bytes().len();
        }
        if at < code.len() {
            let bytes = &code[at..code.len().min(at + unit(code[at]))];
            let hex = |text: String, byte: &u8| format!("{text}{byte:02x}");
            let text = match *bytes {
                [byte] => format!(".byte {byte:#04x}"),
                _ if big_endian => bytes.iter().fold(".word 0x".to_string(), hex),
                _ => bytes.iter().rev().fold(".word 0x".to_string(), hex),
            };
            lines.push((at as u32, text));
            at += bytes.len();
        }
    }
    Ok(lines)
}

fn pulley(code: &[u8]) -> Result<Vec<(u32, String)>, String> {
    // Without the bytes, which long instructions are not parted from.
    let mut disassembler = pulley_interpreter::disas::Disassembler::new(code);
    disassembler.hexdump(false);
    pulley_interpreter::decode::Decoder::decode_all(&mut disassembler).map_err(|error| error.to_string())?;
    let line = |line: &str| {
        // `   0: mnemonic operands`
        let (offset, rest) = line.split_once(':')?;
        let offset = u32::from_str_radix(offset.trim(), 16).ok()?;
        Some((offset, rest.split_whitespace().collect::<Vec<_>>().join(" ")))
    };
    Ok(disassembler.disas().lines().filter_map(line).collect())
}
