//! The state maps, from what the allocator says of the places of registers.

use super::{PointKind, States};
use crate::abi::FrameLayout;
use crate::call::StateOperand;
use regalloc2::{Allocation, Inst, Output, ProgPoint};
use sidetrack_artifact::{StateEncoder, StatePlace};

/// A key has this place from one point of the program to before another.
struct Piece {
    key: u32,
    from: ProgPoint,
    to: ProgPoint,
    place: StatePlace,
}

/// At the map of this number a key gets a place, or loses one.
struct Event {
    map: u32,
    key: u32,
    gets: bool,
    place: StatePlace,
}

impl States {
    /// The state maps of calls and sites and those of traps, as bytes. Both are given as
    /// offsets, ascending, with the numbers of their instructions.
    pub fn encode(
        &self,
        calls: &[(u32, u32)],
        traps: &[(u32, u32)],
        output: &Output,
        frame: &FrameLayout,
    ) -> [Vec<u8>; 2] {
        if self.points.is_empty() {
            return Default::default();
        }
        let pieces = self.pieces(output, frame);
        let encode = |maps: &[(u32, u32)], trap| {
            let at = |&(offset, number): &(u32, u32)| {
                let inst = Inst::new(number as usize);
                let point = self.point_of(number, trap)?;
                Some(match self.points[point as usize].kind {
                    PointKind::Call => (offset, ProgPoint::after(inst)),
                    PointKind::Site | PointKind::Trap => (offset, ProgPoint::before(inst)),
                })
            };
            encode(&maps.iter().filter_map(at).collect::<Vec<_>>(), &pieces)
        };
        [encode(calls, false), encode(traps, true)]
    }

    /// Where each interval is.
    fn pieces(&self, output: &Output, frame: &FrameLayout) -> Vec<Piece> {
        let places = Places::new(output, self.labels.last().map_or(0, |label| label.3));
        let mut pieces: Vec<Piece> = Vec::new();
        for interval in &self.intervals {
            let key = interval.key;
            let [first, last] = [interval.first, interval.last].map(|point| self.points[point as usize]);
            let (from, to) = (first.range().0, last.range().1);
            let (reg, upper) = match interval.operand {
                StateOperand::Const(place) => {
                    pieces.push(Piece { key, from, to, place });
                    continue;
                }
                StateOperand::Reg(reg) => (reg, false),
                StateOperand::Upper(reg) => (reg, true),
            };
            let Some(vreg) = reg.as_vreg() else { continue };
            let known = pieces.len();
            for (from, to, alloc) in places.between(vreg.vreg(), from, to) {
                let whole = frame.place(alloc.as_reg(), alloc.as_stack());
                let place = if upper { whole.upper_half() } else { whole };
                match pieces[known..].last_mut() {
                    Some(last) if last.to == from && last.place == place => last.to = to,
                    _ => pieces.push(Piece { key, from, to, place }),
                }
            }
        }
        pieces
    }
}

/// The maps at some points of the program, as bytes.
fn encode(maps: &[(u32, ProgPoint)], pieces: &[Piece]) -> Vec<u8> {
    // The order of the code is that of the program but for blocks, and code of traps, that
    // are put out of the way: a few stretches in which it is the same.
    let mut stretches = Vec::new();
    let mut start = 0;
    for stretch in maps.chunk_by(|a, b| a.1 <= b.1) {
        stretches.push((start, stretch));
        start += stretch.len() as u32;
    }
    let mut events = Vec::new();
    for piece in pieces {
        for &(start, stretch) in &stretches {
            let number = |point| start + stretch.partition_point(|map| map.1 < point) as u32;
            let (from, to) = (number(piece.from), number(piece.to));
            if from < to {
                let (key, place) = (piece.key, piece.place);
                events.push(Event { map: from, key, gets: true, place });
                events.push(Event { map: to, key, gets: false, place });
            }
        }
    }
    events.sort_unstable_by_key(|event| (event.map, event.key, event.gets));
    let mut encoder = StateEncoder::default();
    let mut events = events.into_iter().peekable();
    let mut changes = Vec::new();
    for (number, &(offset, _)) in (0..).zip(maps) {
        changes.clear();
        while let Some(event) = events.next_if(|event| event.map == number) {
            let Event { key, place, gets, .. } = event;
            match events.next_if(|next| !gets && next.map == number && next.key == key) {
                Some(next) if next.place == place => {}
                Some(next) => changes.push((key, Some(next.place))),
                None => changes.push((key, gets.then_some(place))),
            }
        }
        encoder.push(offset, &changes);
    }
    encoder.finish()
}

/// Where the registers that have labels are.
struct Places<'a> {
    list: &'a [(u32, ProgPoint, ProgPoint, Allocation)],
    /// Where each label begins in the list, and the end.
    starts: Vec<u32>,
    /// The latest end of a place of the same register up to each.
    ends: Vec<ProgPoint>,
}

impl<'a> Places<'a> {
    fn new(output: &'a Output, last: u32) -> Self {
        let list = &output.debug_locations;
        let mut starts: Vec<u32> = Vec::with_capacity(last as usize + 2);
        let mut ends: Vec<ProgPoint> = Vec::with_capacity(list.len());
        for (index, &(label, _, to, _)) in list.iter().enumerate() {
            let same = starts.len() > label as usize;
            starts.resize(label as usize + 1, index as u32);
            ends.push(if same { to.max(ends[index - 1]) } else { to });
        }
        starts.resize(last as usize + 2, list.len() as u32);
        Places { list, starts, ends }
    }

    /// Where a register is between two points of the program; there may be gaps.
    fn between(
        &self,
        label: usize,
        from: ProgPoint,
        to: ProgPoint,
    ) -> impl Iterator<Item = (ProgPoint, ProgPoint, Allocation)> + use<'a> {
        let [start, end] = [label, label + 1].map(|label| self.starts[label] as usize);
        let skipped = self.ends[start..end].partition_point(|end| *end <= from);
        let mut at = from;
        let list = self.list[start + skipped..end].iter();
        list.take_while(move |place| place.1 < to).filter_map(move |&(_, start, end, alloc)| {
            // It may be in two places at once.
            let (from, to) = (start.max(at), end.min(to));
            at = at.max(to);
            (from < to).then_some((from, to, alloc))
        })
    }
}
