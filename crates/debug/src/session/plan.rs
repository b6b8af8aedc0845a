//! How the program is to go on, and whether it has come to where it should.
//!
//! The engine stops at every operator that may be the one. A plan says whether it is,
//! and what to tell the engine if it is not.

use sidetrack_engine::Resume;

/// What a user wants of a program that is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// To the next breakpoint.
    Continue,
    /// So many operators on.
    Step(u64),
    /// So many operators on, calls counted as one.
    Next(u64),
    /// To where the function of the selected frame has returned to.
    Finish,
    /// To an operator behind this one in the function, or to where it has returned to.
    Until,
    /// To the place that [`super::StopView::advance_to`] was told, or to where the function
    /// has returned to.
    Advance,
    /// Not at all: the program ends.
    Kill,
}

/// How far the program is to go.
#[derive(Clone, Debug, Default)]
pub(super) enum Plan {
    #[default]
    Free,
    Step {
        left: u64,
    },
    Next {
        fp: usize,
        left: u64,
    },
    /// Out of the frame.
    Out {
        fp: usize,
    },
    /// Behind the pc in the frame.
    Behind {
        fp: usize,
        pc: u32,
    },
}

impl Plan {
    /// What is to be told to the engine to begin with.
    pub fn resume(&self) -> Resume {
        match self {
            Plan::Free => Resume::Continue,
            Plan::Step { .. } => Resume::Step,
            Plan::Next { .. } | Plan::Behind { .. } => Resume::StepOver,
            Plan::Out { fp } => Resume::StepOutOf(*fp),
        }
    }

    /// The program is before an operator of this frame. None if that is where it was to go;
    /// else how it goes on.
    pub fn arrive(&mut self, fp: usize, pc: u32) -> Option<Resume> {
        match self {
            Plan::Free => Some(Resume::Unchanged),
            Plan::Step { left } => {
                *left = left.saturating_sub(1);
                (*left > 0).then_some(Resume::Step)
            }
            Plan::Next { fp: frame, left } => {
                if fp < *frame {
                    return Some(Resume::Unchanged);
                }
                *left = left.saturating_sub(1);
                *frame = fp;
                (*left > 0).then_some(Resume::StepOver)
            }
            Plan::Out { fp: frame } => (fp <= *frame).then_some(Resume::Unchanged),
            Plan::Behind { fp: frame, .. } if fp < *frame => Some(Resume::Unchanged),
            Plan::Behind { fp: frame, pc: start } => {
                (fp == *frame && pc <= *start).then_some(Resume::StepOver)
            }
        }
    }
}
