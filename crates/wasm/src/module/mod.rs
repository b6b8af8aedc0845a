//! Reading a module: its sections in turn, each validated and then recorded.
//!
//! Function bodies are only found, with the state that validating them later
//! needs. Everything else is complete and valid when [`parse`] returns.

mod constants;
mod declarations;
mod names;
mod references;
mod segments;
pub(crate) mod types;
pub(crate) mod variables;

use crate::{Features, WasmError};
use sidetrack_artifact::{ModuleInfo, VmLayout};
use std::ops::Range;
use std::sync::OnceLock;
use variables::{DebugSections, Named};
use wasmparser::{
    Encoding, FuncToValidate, FuncValidator, FuncValidatorAllocations, FunctionBody, Parser, Payload,
    ValidPayload, Validator, ValidatorResources, WasmFeatures,
};

/// A module whose functions can be translated.
#[derive(Debug)]
pub struct Translation<'a> {
    /// What the module declares.
    pub info: ModuleInfo,
    pub(crate) layout: VmLayout,
    pub(crate) bodies: Vec<Body<'a>>,
    /// What the bodies may use.
    pub(crate) features: WasmFeatures,
    /// Where the content of the code section begins.
    code: u32,
    debug: DebugSections<'a>,
    named: OnceLock<Vec<Named>>,
}

impl Translation<'_> {
    /// The locals that debug information names in a function's body, by where that begins.
    pub(crate) fn named_locals(&self, body: Range<u32>) -> &[Named] {
        let named = self.named.get_or_init(|| variables::named(&self.debug, self.code));
        let from = named.partition_point(|named| named.from < body.start);
        let count = named[from..].partition_point(|named| named.from < body.end);
        &named[from..from + count]
    }
}

/// A function body and what is needed to validate it.
#[derive(Debug)]
pub(crate) struct Body<'a> {
    pub code: FunctionBody<'a>,
    pub resources: ValidatorResources,
    pub ty: u32,
}

impl<'a> Body<'a> {
    fn new(validate: FuncToValidate<ValidatorResources>, code: FunctionBody<'a>) -> Self {
        Body { code, resources: validate.resources, ty: validate.ty }
    }

    /// What validates it, as the body of the function with this index.
    pub fn validator(&self, index: u32, features: WasmFeatures) -> FuncValidator<ValidatorResources> {
        let validate = FuncToValidate { resources: self.resources.clone(), index, ty: self.ty, features };
        validate.into_validator(FuncValidatorAllocations::default())
    }
}

/// Reads a binary module and validates all of it but the function bodies.
///
/// # Errors
/// If the module is malformed, invalid, or uses a feature that is not supported;
/// the message names it.
pub fn parse(bytes: &[u8]) -> Result<Translation<'_>, WasmError> {
    parse_features(bytes, Features::default())
}

/// As [`parse`], of a language with some features alone.
///
/// # Errors
/// As [`parse`].
pub fn parse_features(bytes: &[u8], features: Features) -> Result<Translation<'_>, WasmError> {
    let mut module = Translation {
        info: ModuleInfo::default(),
        layout: VmLayout::default(),
        bodies: Vec::new(),
        features: features.flags(),
        code: 0,
        debug: DebugSections::default(),
        named: OnceLock::new(),
    };
    if let Err(error) = read(bytes, &mut module) {
        // A body before that may be wrong, too; the first error is told.
        let first = module.info.imported_functions;
        let mut indices = first..first + module.bodies.len() as u32;
        return Err(indices.find_map(|index| module.validate(index).err()).unwrap_or(error));
    }
    references::number(&mut module.info);
    module.layout = VmLayout::new(&module.info);
    Ok(module)
}

/// Reads the sections in turn. When it fails, what has been read before is there.
fn read<'a>(bytes: &'a [u8], module: &mut Translation<'a>) -> Result<(), WasmError> {
    let Translation { info, bodies, features, code: code_start, debug, .. } = module;
    let mut validator = Validator::new_with_features(*features);
    let mut parser = Parser::new(0);
    parser.set_features(*features);
    for payload in parser.parse_all(bytes) {
        let payload = payload?;
        if let Payload::Version { encoding: Encoding::Component, range, .. } = &payload {
            return Err(WasmError::unsupported(range.start, "the component model"));
        }
        if let ValidPayload::Func(validate, code) = validator.payload(&payload)? {
            let range = code.range();
            info.functions[validate.index as usize].body = range.start as u32..range.end as u32;
            bodies.push(Body::new(validate, code));
            continue;
        }
        match payload {
            Payload::TypeSection(section) => types::read(info, section)?,
            Payload::ImportSection(section) => declarations::imports(info, section)?,
            Payload::FunctionSection(section) => declarations::functions(info, section)?,
            Payload::TableSection(section) => declarations::tables(info, section)?,
            Payload::MemorySection(section) => declarations::memories(info, section)?,
            Payload::TagSection(section) => declarations::tags(info, section)?,
            Payload::GlobalSection(section) => declarations::globals(info, section)?,
            Payload::ExportSection(section) => declarations::exports(info, section)?,
            Payload::StartSection { func, .. } => info.start = Some(func),
            Payload::ElementSection(section) => segments::elements(info, section)?,
            Payload::DataSection(section) => segments::data(info, section)?,
            Payload::CodeSectionStart { unchecked_range, .. } => *code_start = unchecked_range.start as u32,
            Payload::CustomSection(section) => {
                debug.add(section.name(), section.data());
                names::read(info, &section);
            }
            _ => {}
        }
    }
    Ok(())
}
