//! What the rows of an image's tables stand for. A function that waits to be linked has the
//! same, by its own offsets.

use crate::rows::{Rows, RowsWriter};
use crate::{SourceRange, TrapCode, TrapSite};

/// The row of an instruction that can trap: its offset and the code.
pub(crate) fn trap_row(trap: TrapSite) -> [u64; 2] {
    [trap.offset.into(), trap.code.number()]
}

/// The instructions that can trap.
pub(crate) fn traps(rows: Rows<'_, 2>) -> impl Iterator<Item = TrapSite> {
    rows.iter_from(0).filter_map(|[offset, code]| {
        Some(TrapSite { offset: offset as u32, code: TrapCode::from_number(code)? })
    })
}

/// Makes the table of source locations: rows of a start and the location plus one. Where a
/// range ends and no other begins, there is a row with 0.
#[derive(Debug, Default)]
pub(crate) struct SourcesWriter {
    rows: RowsWriter<2>,
    /// Where the last range ends.
    end: Option<u32>,
}

impl SourcesWriter {
    pub(crate) fn push(&mut self, range: SourceRange) {
        if let Some(end) = self.end.filter(|end| *end < range.start) {
            self.rows.push([end.into(), 0]);
        }
        self.rows.push([range.start.into(), u64::from(range.location) + 1]);
        self.end = Some(range.end);
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        if let Some(end) = self.end {
            self.rows.push([end.into(), 0]);
        }
        self.rows.finish()
    }
}

/// The source locations, sorted and disjoint.
pub(crate) fn sources(rows: Rows<'_, 2>) -> impl Iterator<Item = SourceRange> {
    rows.iter_from(0).zip(rows.iter_from(1)).filter_map(|([start, location], [end, _])| {
        let location = u32::try_from(location.checked_sub(1)?).ok()?;
        Some(SourceRange { start: start as u32, end: end as u32, location })
    })
}
