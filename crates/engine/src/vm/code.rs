//! Where code comes from: it is run without a check, so whoever brings it vouches for it.

use super::builtins;
use crate::module::Module;
use crate::{Engine, Result};
use sidetrack_artifact::{Image, SymbolName};
use sidetrack_patch::CodeMemory;
use sidetrack_patch::run::Registered;
use std::sync::Arc;

/// Maps an image, which must be the engine's compiler's, and makes its code known to the
/// machinery of traps.
pub fn load(image: Image) -> Result<(Arc<CodeMemory>, Registered)> {
    let architecture = image.architecture;
    let resolve = &mut |name: &SymbolName| builtins::resolve(architecture, name);
    let memory = Arc::new(CodeMemory::new(Arc::new(image), resolve)?);
    let registered = register(memory.clone());
    Ok((memory, registered))
}

/// Makes code of a module known to the machinery of traps.
pub fn register(memory: Arc<CodeMemory>) -> Registered {
    // SAFETY: the image is one that the compiler has made in this process, or that came with
    // a word for it (`Module::deserialize`, the cache of this version's code). The value goes
    // with the module, or the store that has a copy of its code; stores keep their modules,
    // and no code of a store runs when it is dropped.
    unsafe { Registered::new(memory) }
}

impl Module {
    /// A module from the bytes of [`Module::serialize`]. What is damaged, or of another
    /// version or other settings, is refused.
    ///
    /// # Errors
    /// If the bytes are none of this version's and this engine's settings'.
    ///
    /// # Safety
    /// The bytes are, unchanged, what [`Module::serialize`] has made. They hold machine code
    /// that is run as it is, outside of every sandbox: whoever writes them can do whatever
    /// this process can. The hash in them tells accidents and no attacks, since who writes
    /// other code writes another hash. So they may come from a place that only trusted
    /// people can write to, and never from whoever brings the module.
    pub unsafe fn deserialize(engine: &Engine, bytes: impl AsRef<[u8]>) -> Result<Self> {
        Self::from_trusted_bytes(engine, bytes.as_ref())
    }
}
