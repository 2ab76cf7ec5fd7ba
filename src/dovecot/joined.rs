//! A joined text: a line with the lines that continue in it, and where its pieces stand.

use crate::source::{FileId, Span};

/// The text of a line with the lines it continues, and where its pieces come from.
#[derive(Default)]
pub(super) struct Joined {
    pub(super) text: Vec<u8>,
    pub(super) pieces: Vec<Piece>,
}

#[derive(Clone, Copy)]
pub(super) struct Piece {
    /// Where it starts in the joined text.
    pub(super) start: usize,
    pub(super) file: FileId,
    /// Where it starts in the file.
    pub(super) offset: usize,
}

impl Joined {
    pub(super) fn push(&mut self, text: &[u8], file: FileId, offset: usize) {
        let start = self.text.len();
        self.pieces.push(Piece {
            start,
            file,
            offset,
        });
        self.text.extend_from_slice(text);
    }

    /// Where a range of the joined text stands; a range over two files is shown by its end.
    pub(super) fn span(&self, start: usize, end: usize) -> Span {
        let place = |at: usize| {
            let after = self.pieces.partition_point(|piece| piece.start <= at);
            let piece = self.pieces[after.saturating_sub(1)];
            (piece.file, piece.offset + (at - piece.start))
        };
        let (first, from) = place(start);
        let (file, to) = if start == end {
            (first, from)
        } else {
            let (file, last) = place(end - 1);
            (file, last + 1)
        };
        Span::new(file, if file == first { from } else { to }, to)
    }
}
