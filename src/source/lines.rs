//! Lines: where each line of a text begins. A file of a million lines may have a finding on each of them, so they are counted once.

/// A place in a file as editors show it: both count from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line number.
    pub line: usize,
    /// Column number, in characters (a byte that is not UTF-8 counts as one).
    pub column: usize,
}

/// The first byte of every line of a text.
#[derive(Debug)]
pub struct Lines(Vec<usize>);

impl Lines {
    /// Finds them.
    pub fn of(bytes: &[u8]) -> Self {
        let later = memchr::memchr_iter(b'\n', bytes).map(|newline| newline + 1);
        Self(std::iter::once(0).chain(later).collect())
    }

    /// Line and column of an offset in `bytes`, whose lines these are.
    pub fn position(&self, bytes: &[u8], offset: usize) -> Position {
        let offset = offset.min(bytes.len());
        let line = self.0.partition_point(|&start| start <= offset);
        let start = self.0.get(line.saturating_sub(1)).copied().unwrap_or(0);
        Position {
            line,
            column: String::from_utf8_lossy(&bytes[start..offset])
                .chars()
                .count()
                + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(bytes: &[u8], offset: usize) -> Position {
        Lines::of(bytes).position(bytes, offset)
    }

    #[test]
    fn positions_count_lines_and_characters_from_one() {
        let text = "a\nü = x\n".as_bytes();
        assert_eq!(position(text, 0), Position { line: 1, column: 1 });
        assert_eq!(position(text, 4), Position { line: 2, column: 2 });
        assert_eq!(position(text, text.len()), Position { line: 3, column: 1 });
        assert_eq!(
            position(b"\xfc = x", 1),
            Position { line: 1, column: 2 },
            "a byte that is not UTF-8 is one column"
        );
    }
}
