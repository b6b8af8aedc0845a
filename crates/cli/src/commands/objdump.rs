//! `sidetrack objdump`: what the code generator makes of functions.

use super::input::Source;
use super::progress::Progress;
use super::{Input, TargetArgs, input};
use sidetrack_artifact::module::symbols;
use sidetrack_artifact::{Architecture, Symbol, SymbolName};
use sidetrack_codegen::{compile, disasm};
use sidetrack_engine::{Engine, Module, Printable};
use sidetrack_ir::Function;
use std::fmt::Write;
use std::path::PathBuf;

/// Arguments of the verb.
#[derive(clap::Args)]
pub struct Args {
    /// A .wasm, .wat, .cwasm or .clif file, or `-` for a module on standard input.
    file: PathBuf,
    /// Take a file that was compiled before.
    #[arg(long)]
    allow_precompiled: bool,
    #[command(flatten)]
    target: TargetArgs,
}

/// Runs the verb.
pub fn run(args: &Args) -> Result<bool, String> {
    let text = match Input::read_checked(&args.file, args.allow_precompiled)? {
        Input::Clif(list) => functions(args, &list)?,
        Input::Module(source) => module(args, &source)?,
    };
    super::print(&text)?;
    Ok(true)
}

fn functions(args: &Args, functions: &[Function]) -> Result<String, String> {
    let isa = args.target.isa()?;
    let mut text = String::new();
    for func in functions {
        let code = compile(func, &*isa).map_err(|error| format!("{}: {error}", input::name(&args.file)))?;
        text.push_str(&format!("{}:\n{}\n", func.name, disasm::disassemble(&code, isa.name())?));
    }
    Ok(text)
}

/// The functions of a module in the order of the code, and the stubs between it and
/// the host.
fn module(args: &Args, source: &Source) -> Result<String, String> {
    let mut config = args.target.config()?;
    let progress = Progress::show(&mut config);
    let engine = Engine::new(&config).map_err(|error| format!("{error:#}"))?;
    let module = input::load(&engine, &args.file, source)?;
    drop(progress);
    let mut text = String::new();
    for symbol in module.image().symbols() {
        let code = disassemble(&module, &symbol)?;
        let title = title(&module, &symbol.name());
        let _ = writeln!(text, "{title}: {} bytes at {:#x}\n{code}", symbol.size, symbol.offset);
    }
    Ok(text)
}

/// The machine code of one function of a module.
///
/// # Errors
/// If the module does not define it.
pub fn function(module: &Module, func: u32) -> Result<String, String> {
    let symbol = module.image().symbol(&symbols::function(func));
    disassemble(module, &symbol.ok_or_else(|| format!("function {func} has no code"))?)
}

fn disassemble(module: &Module, symbol: &Symbol<'_>) -> Result<String, String> {
    let image = module.image();
    let target = match image.architecture {
        Architecture::X86_64 => "x86_64",
        Architecture::Pulley64 => "pulley64",
        Architecture::Aarch64 => "aarch64",
        Architecture::Riscv64 => "riscv64",
        Architecture::S390x => "s390x",
    };
    disasm::disassemble_symbol(image, symbol, target, &|name| title(module, name))
}

/// What a piece of code is: `function 7 <main>`.
fn title(module: &Module, name: &SymbolName) -> String {
    let SymbolName::User { index, .. } = *name else { return name.to_string() };
    let info = module.info();
    let ty = || info.types.get(index as usize).map_or(String::new(), |ty| format!(" {ty}"));
    if *name == symbols::function(index) {
        let name = info.functions.name(index);
        format!(
            "function {index}{}",
            name.map_or(String::new(), |name| format!(" <{}>", Printable::name(name)))
        )
    } else if *name == symbols::entry_stub(index) {
        format!("entry from the host, type {index}{}", ty())
    } else if *name == symbols::exit_stub(index) {
        format!("call of the host, type {index}{}", ty())
    } else {
        name.to_string()
    }
}
