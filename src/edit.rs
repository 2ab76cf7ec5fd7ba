//! An edit: the replacement of one span of a file by other bytes. A file is never reprinted, only spliced.

use crate::source::Span;

/// Put `text` in place of `span`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edit {
    /// What goes away; empty for an insertion.
    pub span: Span,
    /// What comes in its place; empty for a deletion.
    pub text: Vec<u8>,
}

impl Edit {
    /// Puts `text` in place of `span`.
    pub fn replace(span: Span, text: impl Into<Vec<u8>>) -> Self {
        Self {
            span,
            text: text.into(),
        }
    }

    /// Puts `text` before the byte at `span.start`.
    pub fn insert(span: Span, text: impl Into<Vec<u8>>) -> Self {
        Self::replace(Span::new(span.file, span.start, span.start), text)
    }

    /// Takes `span` away.
    pub const fn delete(span: Span) -> Self {
        Self {
            span,
            text: Vec::new(),
        }
    }
}

/// The text of one file after its edits; every byte outside of them stays as it is.
///
/// # Errors
/// Two edits that overlap are a fault of whoever made them; the later one is returned.
pub fn apply(bytes: &[u8], edits: &[Edit]) -> Result<Vec<u8>, Edit> {
    let mut sorted: Vec<&Edit> = edits.iter().collect();
    sorted.sort();
    sorted.dedup();
    let mut out = Vec::with_capacity(bytes.len() + 64);
    let mut done = 0;
    for edit in sorted {
        if edit.span.start < done || edit.span.end > bytes.len() {
            return Err(edit.clone());
        }
        out.extend_from_slice(&bytes[done..edit.span.start]);
        out.extend_from_slice(&edit.text);
        done = edit.span.end;
    }
    out.extend_from_slice(&bytes[done..]);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{FileTree, Sources};

    #[test]
    fn only_the_spans_change() {
        let mut sources = Sources::new(FileTree::default());
        let file = sources.add("/f", b"a = no\r\nb = \xff".to_vec());
        let edits = [
            Edit::insert(Span::new(file, 13, 13), "\r\nc = d"),
            Edit::replace(Span::new(file, 4, 6), "yes"),
        ];
        assert_eq!(
            apply(sources.bytes(file), &edits),
            Ok(b"a = yes\r\nb = \xff\r\nc = d".to_vec())
        );
        let overlapping = [
            Edit::delete(Span::new(file, 0, 6)),
            Edit::replace(Span::new(file, 4, 6), "x"),
        ];
        assert_eq!(
            apply(sources.bytes(file), &overlapping),
            Err(overlapping[1].clone())
        );
    }
}
