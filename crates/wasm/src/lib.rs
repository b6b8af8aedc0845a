//! WebAssembly to IR.
#![forbid(unsafe_code)]
use sidetrack_artifact::ModuleInfo;
use sidetrack_ir::Function;
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub guard_pages: bool,
}
#[derive(Debug)]
pub struct WasmError {
    pub offset: Option<usize>,
    pub message: String,
}
pub struct Translation<'a> {
    pub info: ModuleInfo,
    x: &'a u8,
}
pub fn parse(_: &[u8]) -> Result<Translation<'_>, WasmError> {
    todo!()
}
impl Translation<'_> {
    pub fn translate(&self, _: u32, _: &Options) -> Result<Function, WasmError> {
        let _ = self.x;
        todo!()
    }
    pub fn into_info(self) -> ModuleInfo {
        self.info
    }
}
pub struct Stubs {
    pub entry: Vec<u32>,
    pub exit: Vec<u32>,
}
pub fn needed_stubs(_: &ModuleInfo) -> Stubs {
    todo!()
}
pub fn entry_stub(_: &ModuleInfo, _: u32) -> Function {
    todo!()
}
pub fn exit_stub(_: &ModuleInfo, _: u32) -> Function {
    todo!()
}
