//! The name section, which is only advice: what is wrong with it is ignored.

use sidetrack_artifact::ModuleInfo;
use wasmparser::{CustomSectionReader, KnownCustom, Name};

/// Reads the names of the module and its functions, if this is the name section.
pub(super) fn read(info: &mut ModuleInfo, section: &CustomSectionReader<'_>) {
    let KnownCustom::Name(subsections) = section.as_known() else { return };
    for subsection in subsections {
        match subsection {
            Ok(Name::Module { name, .. }) => info.name = Some(name.to_string()),
            Ok(Name::Function(names)) => {
                for naming in names {
                    let Ok(naming) = naming else { break };
                    if let Some(function) = info.functions.get_mut(naming.index as usize) {
                        function.name = Some(naming.name.to_string());
                    }
                }
            }
            Ok(_) => {}
            Err(_) => return,
        }
    }
}
