//! A process: what a stretch of log shows of the sessions of one smtpd process, as far as it cannot be concluded yet.

use super::services::Renaming;
use super::session::{End, Part};
use super::tally::Position;

/// One process of a stretch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Process {
    /// Its first session, which ended in the stretch, and may have begun before.
    pub(crate) head: Option<Box<(Part, End)>>,
    /// The session that has not ended.
    pub(crate) open: Option<Part>,
}

impl Process {
    /// A session begins, behind others of this process if nothing lies before the stretch or it has a head.
    /// Gives the one before, which was overtaken, where it can be concluded.
    pub(crate) fn connect(&mut self, sealed: bool) -> Option<Part> {
        let part = Part {
            began: true,
            ..Part::default()
        };
        match self.open.replace(part) {
            Some(before) => self.end(before, End::Overtaken, sealed),
            None => {
                // Whatever comes from before the stretch is over.
                if !sealed && self.head.is_none() {
                    self.head = Some(Box::new((Part::default(), End::Overtaken)));
                }
                None
            }
        }
    }

    /// The session that the process serves.
    pub(crate) fn session(&mut self) -> &mut Part {
        self.open.get_or_insert_default()
    }

    /// A session has ended. Gives it back where it can be concluded; else it is the head.
    pub(crate) fn end(&mut self, part: Part, end: End, sealed: bool) -> Option<Part> {
        if sealed || self.head.is_some() {
            return Some(part);
        }
        self.head = Some(Box::new((part, end)));
        None
    }

    /// Whether nothing more is to be kept of it.
    pub(crate) const fn is_done(&self) -> bool {
        self.head.is_none() && self.open.is_none()
    }

    /// The same with the names and lines of another segment.
    pub(crate) fn translated(
        self,
        renaming: &Renaming,
        shift: impl Fn(Position) -> Position + Copy,
    ) -> Self {
        let head = self.head.map(|head| {
            let (part, end) = *head;
            let part = part.translated(renaming, shift);
            Box::new((part, end.translated(renaming, shift)))
        });
        Self {
            head,
            open: self.open.map(|part| part.translated(renaming, shift)),
        }
    }

    /// Joins what the next stretch shows of the same process. Gives the session that can be concluded by this, and how it ended.
    pub(crate) fn then(&mut self, next: Self, sealed: bool) -> Option<(Part, End)> {
        let headed = next.head.is_some();
        let mut concluded = None;
        if let Some(head) = next.head {
            let (part, end) = *head;
            let part = match self.open.take() {
                Some(before) => before.then(part),
                None => part,
            };
            concluded = self.end(part, end, sealed).map(|part| (part, end));
        }
        if let Some(part) = next.open {
            self.open = Some(match self.open.take() {
                Some(before) if !headed => before.then(part),
                Some(_) | None => part,
            });
        }
        concluded
    }
}
