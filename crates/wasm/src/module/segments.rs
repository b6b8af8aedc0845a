//! Element and data segments.

use super::{constants, types};
use crate::WasmError;
use sidetrack_artifact::{DataSegment, ElementItems, ElementSegment, ModuleInfo, RefType, SegmentMode};
use wasmparser::{DataKind, DataSectionReader, ElementKind, ElementSectionReader};

pub(super) fn elements(info: &mut ModuleInfo, section: ElementSectionReader<'_>) -> Result<(), WasmError> {
    for item in section.into_iter_with_offsets() {
        let (offset, element) = item?;
        let mode = match element.kind {
            ElementKind::Passive => SegmentMode::Passive,
            ElementKind::Declared => SegmentMode::Declared,
            ElementKind::Active { table_index, offset_expr } => SegmentMode::Active {
                index: table_index.unwrap_or(0),
                offset: constants::read(&offset_expr)?,
            },
        };
        let (ty, items) = match element.items {
            wasmparser::ElementItems::Functions(list) => {
                let list = list.into_iter().collect::<Result<_, _>>()?;
                (RefType::FUNC, ElementItems::Functions(list))
            }
            wasmparser::ElementItems::Expressions(ty, list) => {
                let read = |expr: Result<_, wasmparser::Error>| constants::read(&expr?);
                let list = list.into_iter().map(read).collect::<Result<_, _>>()?;
                (types::reference(ty, offset)?, ElementItems::Expressions(list))
            }
        };
        info.elements.push(ElementSegment { mode, ty, items });
    }
    Ok(())
}

pub(super) fn data(info: &mut ModuleInfo, section: DataSectionReader<'_>) -> Result<(), WasmError> {
    let size = section.range().end - section.range().start;
    let mut bytes = Vec::with_capacity(size as usize);
    for data in section {
        let data = data?;
        let mode = match data.kind {
            DataKind::Passive => SegmentMode::Passive,
            DataKind::Active { memory_index, offset_expr } => {
                SegmentMode::Active { index: memory_index, offset: constants::read(&offset_expr)? }
            }
        };
        let start = bytes.len() as u32;
        bytes.extend_from_slice(data.data);
        let position = (data.range.end as usize - data.data.len()) as u32;
        info.data_segments.push(DataSegment { mode, bytes: start..bytes.len() as u32, position });
    }
    info.data = bytes.into();
    Ok(())
}
