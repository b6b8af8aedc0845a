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
    Encoding, FuncToValidate, FunctionBody, Parser, Payload, ValidPayload, Validator, ValidatorResources,
    WasmFeatures,
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
    let features = features.flags();
    let mut validator = Validator::new_with_features(features);
    let mut parser = Parser::new(0);
    parser.set_features(features);
    let mut info = ModuleInfo::default();
    let mut bodies = Vec::new();
    let (mut code, mut debug) = (0, DebugSections::default());
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
            Payload::TypeSection(section) => types::read(&mut info, section)?,
            Payload::ImportSection(section) => declarations::imports(&mut info, section)?,
            Payload::FunctionSection(section) => declarations::functions(&mut info, section)?,
            Payload::TableSection(section) => declarations::tables(&mut info, section)?,
            Payload::MemorySection(section) => declarations::memories(&mut info, section)?,
            Payload::TagSection(section) => declarations::tags(&mut info, section)?,
            Payload::GlobalSection(section) => declarations::globals(&mut info, section)?,
            Payload::ExportSection(section) => declarations::exports(&mut info, section)?,
            Payload::StartSection { func, .. } => info.start = Some(func),
            Payload::ElementSection(section) => segments::elements(&mut info, section)?,
            Payload::DataSection(section) => segments::data(&mut info, section)?,
            Payload::CodeSectionStart { unchecked_range, .. } => code = unchecked_range.start as u32,
            Payload::CustomSection(section) => {
                debug.add(section.name(), section.data());
                names::read(&mut info, &section);
            }
            _ => {}
        }
    }
    references::number(&mut info);
    let layout = VmLayout::new(&info);
    Ok(Translation { info, layout, bodies, features, code, debug, named: OnceLock::new() })
}
