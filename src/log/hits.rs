//! A hit: a line that may be of a login server, since two bytes stand in it side by side that stand in all lines of these.
//!
//! One pass over a chunk finds the hits and counts the lines, 64 bytes at a time. The pairs are chosen to be rare in other lines;
//! that a line has one decides nothing.

use fearless_simd::{Level, Simd, dispatch, prelude::*, u8x64};

/// Two bytes that stand side by side.
pub(crate) type Pair = [u8; 2];

/// A line of a chunk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hit {
    pub(crate) start: usize,
    /// Where its line feed stands, or the text ends.
    pub(crate) end: usize,
    /// How many lines of the chunk are before it.
    pub(crate) lines: u64,
}

/// Finds the lines of `text` that have one of the pairs, in order, and counts all its lines.
pub(crate) fn find<const N: usize>(
    level: Level,
    pairs: [Pair; N],
    text: &[u8],
    hits: &mut Vec<Hit>,
) -> u64 {
    hits.clear();
    dispatch!(level, simd => find_with(simd, pairs, text, hits))
}

/// How many bytes are looked at in one go.
const BLOCK: usize = 64;

#[inline(always)]
fn find_with<S: Simd, const N: usize>(
    simd: S,
    pairs: [Pair; N],
    text: &[u8],
    hits: &mut Vec<Hit>,
) -> u64 {
    let splat = |byte| u8x64::splat(simd, byte);
    let newline = splat(b'\n');
    let pairs = pairs.map(|[first, second]| (splat(first), splat(second)));
    let mut found = Found {
        hits,
        lines: 0,
        start: 0,
        open: false,
    };
    // A block with the byte before it, where there is no such place in the text.
    let mut copy;
    for base in (0..text.len()).step_by(BLOCK) {
        let rest = text.get(base.wrapping_sub(1)..);
        let window = match rest.and_then(|rest| rest.first_chunk()) {
            Some(window) => window,
            None => {
                // The first one has none before it, and the last one is shorter.
                copy = [0; BLOCK + 1];
                let from = base.saturating_sub(1);
                let to = text.len().min(base + BLOCK);
                copy[from + 1 - base..to + 1 - base].copy_from_slice(&text[from..to]);
                &copy
            }
        };
        let [before @ .., _] = window;
        let [_, now @ ..] = window;
        let before = u8x64::from_slice(simd, before);
        let now = u8x64::from_slice(simd, now);
        let newlines = now.simd_eq(newline).to_bitmask();
        let pairs = pairs.map(|(first, second)| before.simd_eq(first) & now.simd_eq(second));
        let pairs = pairs.into_iter().reduce(|one, other| one | other);
        found.block(base, newlines, pairs.map_or(0, |pairs| pairs.to_bitmask()));
    }
    found.end(text)
}

/// What was found so far.
struct Found<'a> {
    hits: &'a mut Vec<Hit>,
    /// How many lines ended.
    lines: u64,
    /// Where the line begins that goes on.
    start: usize,
    /// The last hit is this line.
    open: bool,
}

impl Found<'_> {
    /// Takes the marks of the block that begins at `base`: of line feeds, and of pairs.
    #[inline(always)]
    fn block(&mut self, base: usize, newlines: u64, mut pairs: u64) {
        if self.open {
            // The rest of a line that was found already.
            let end = newlines.trailing_zeros();
            pairs &= u64::MAX.checked_shl(end).unwrap_or(0);
            if newlines != 0 {
                self.close(base + end as usize);
            }
        }
        while pairs != 0 {
            let behind = u64::MAX << pairs.trailing_zeros();
            let before = newlines & !behind;
            let hit = Hit {
                start: match before {
                    0 => self.start,
                    _ => base + BLOCK - before.leading_zeros() as usize,
                },
                end: 0,
                lines: self.lines + u64::from(before.count_ones()),
            };
            self.hits.push(hit);
            self.open = true;
            let end = (newlines & behind).trailing_zeros();
            pairs &= u64::MAX.checked_shl(end).unwrap_or(0);
            if end < u64::BITS {
                self.close(base + end as usize);
            }
        }
        self.lines += u64::from(newlines.count_ones());
        if newlines != 0 {
            self.start = base + BLOCK - newlines.leading_zeros() as usize;
        }
    }

    /// Says where the line ends that was found last.
    #[inline(always)]
    fn close(&mut self, end: usize) {
        if let Some(hit) = self.hits.last_mut() {
            hit.end = end;
        }
        self.open = false;
    }

    /// How many lines there are in all.
    fn end(mut self, text: &[u8]) -> u64 {
        if self.open {
            self.close(text.len());
        }
        self.lines + u64::from(self.start < text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The same by going from line to line.
    fn slowly(pairs: &[Pair], text: &[u8]) -> (Vec<Hit>, u64) {
        let (mut hits, mut start, mut lines) = (Vec::new(), 0, 0);
        while start < text.len() {
            let length = text[start..].iter().position(|byte| *byte == b'\n');
            let end = length.map_or(text.len(), |length| start + length);
            let mut neighbours = text[start..end].windows(2);
            if neighbours.any(|two| pairs.iter().any(|pair| pair == two)) {
                hits.push(Hit { start, end, lines });
            }
            lines += 1;
            start = end + 1;
        }
        (hits, lines)
    }

    proptest! {
        #[test]
        fn hits_are_what_going_from_line_to_line_finds(words in prop::collection::vec(0..6usize, 0..300)) {
            let words: Vec<&[u8]> = words.iter().map(|word| [&b"\n"[..], b"d[", b"n", b": ", b"a line without any mark", b"d"][*word]).collect();
            let (text, pairs) = (words.concat(), [*b"d[", *b"n:"]);
            let (expected, lines) = slowly(&pairs, &text);
            for level in [Level::new(), Level::baseline()] {
                let mut hits = vec![Hit::default()];
                prop_assert_eq!(find(level, pairs, &text, &mut hits), lines);
                prop_assert_eq!(&hits, &expected);
            }
        }
    }
}
