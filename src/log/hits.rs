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

/// So many blocks are marked before their hits are taken: what only marks needs no memory but for the marks.
const BLOCKS: usize = 64;

/// How many bytes these are.
const STRETCH: usize = BLOCKS * BLOCK;

#[inline(always)]
fn find_with<S: Simd, const N: usize>(
    simd: S,
    pairs: [Pair; N],
    text: &[u8],
    hits: &mut Vec<Hit>,
) -> u64 {
    let mut found = Found {
        hits,
        lines: 0,
        start: 0,
        open: false,
    };
    let mut marks = Marks {
        newlines: Bits::NONE,
        lines: [0; BLOCKS + 1],
        pairs: Bits::NONE,
    };
    // A stretch with the byte before it, where there is no such place in the text.
    let mut copy;
    for base in (0..text.len()).step_by(STRETCH) {
        let rest = text.get(base.wrapping_sub(1)..);
        let window = match rest.and_then(|rest| rest.first_chunk()) {
            Some(window) => window,
            None => {
                // The first one has none before it, and the last one is shorter.
                copy = [0; STRETCH + 1];
                let from = base.saturating_sub(1);
                let to = text.len().min(base + STRETCH);
                copy[from + 1 - base..to + 1 - base].copy_from_slice(&text[from..to]);
                &copy
            }
        };
        marks.set(simd, pairs, window);
        found.take(base, &marks);
    }
    found.end(text)
}

/// What stands where in a stretch.
struct Marks {
    newlines: Bits,
    /// How many line feeds are before each block, and before the end.
    lines: [u32; BLOCKS + 1],
    /// The second bytes of pairs.
    pairs: Bits,
}

impl Marks {
    /// Marks the stretch behind the first byte.
    #[inline(always)]
    fn set<S: Simd, const N: usize>(
        &mut self,
        simd: S,
        pairs: [Pair; N],
        window: &[u8; STRETCH + 1],
    ) {
        let splat = |byte| u8x64::splat(simd, byte);
        let newline = splat(b'\n');
        let pairs = pairs.map(|[first, second]| (splat(first), splat(second)));
        let [before @ .., _] = window;
        let [_, now @ ..] = window;
        let (before, now) = (before.as_chunks::<BLOCK>().0, now.as_chunks::<BLOCK>().0);
        let mut lines = 0;
        for block in 0..BLOCKS {
            let before = u8x64::from_slice(simd, &before[block]);
            let now = u8x64::from_slice(simd, &now[block]);
            let pairs = pairs.map(|(first, second)| before.simd_eq(first) & now.simd_eq(second));
            let pairs = pairs.into_iter().reduce(|one, other| one | other);
            let newlines = now.simd_eq(newline).to_bitmask();
            self.pairs.blocks[block] = pairs.map_or(0, |pairs| pairs.to_bitmask());
            self.newlines.blocks[block] = newlines;
            self.lines[block] = lines;
            lines += newlines.count_ones();
        }
        self.lines[BLOCKS] = lines;
        self.pairs.sum_up();
        self.newlines.sum_up();
    }
}

/// A bit for each byte of a stretch.
struct Bits {
    blocks: [u64; BLOCKS],
    /// The blocks in which one is set.
    some: u64,
}

impl Bits {
    const NONE: Self = Self {
        blocks: [0; BLOCKS],
        some: 0,
    };

    /// Notes in which blocks one is set.
    #[inline(always)]
    fn sum_up(&mut self) {
        self.some = 0;
        for (block, places) in self.blocks.iter().enumerate() {
            self.some |= u64::from(*places != 0) << block;
        }
    }

    /// The place of the first one that is set, from this place on.
    #[inline(always)]
    fn first_from(&self, place: usize) -> Option<usize> {
        let block = place / BLOCK;
        let here = self.blocks.get(block)? & u64::MAX << (place % BLOCK);
        if here != 0 {
            return Some(block * BLOCK + here.trailing_zeros() as usize);
        }
        // In two steps, for the last block.
        let behind = self.some & u64::MAX << block << 1;
        let block = behind.trailing_zeros() as usize;
        let there = self.blocks.get(block)?;
        Some(block * BLOCK + there.trailing_zeros() as usize)
    }

    /// That of the last one before this place.
    #[inline(always)]
    fn last_before(&self, place: usize) -> Option<usize> {
        let block = place / BLOCK;
        let here = self.blocks.get(block)? & !(u64::MAX << (place % BLOCK));
        if here != 0 {
            return Some(block * BLOCK + here.ilog2() as usize);
        }
        self.last_in(self.some & !(u64::MAX << block))
    }

    /// That of the last one in these blocks.
    #[inline(always)]
    fn last_in(&self, blocks: u64) -> Option<usize> {
        let block = blocks.checked_ilog2()? as usize;
        let place = self.blocks.get(block)?.checked_ilog2()?;
        Some(block * BLOCK + place as usize)
    }
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
    /// Takes the marks of the stretch that begins at `base`.
    #[inline(always)]
    fn take(&mut self, base: usize, marks: &Marks) {
        let Marks {
            newlines,
            lines,
            pairs,
        } = marks;
        let mut next = match self.open {
            // The rest of a line that was found already.
            true => self.close(base, newlines.first_from(0)),
            false => 0,
        };
        while let Some(at) = pairs.first_from(next) {
            let block = at / BLOCK;
            let before = newlines.blocks[block] & !(u64::MAX << (at % BLOCK));
            self.hits.push(Hit {
                start: match newlines.last_before(at) {
                    Some(newline) => base + newline + 1,
                    None => self.start,
                },
                end: 0,
                lines: self.lines + u64::from(lines[block] + before.count_ones()),
            });
            next = self.close(base, newlines.first_from(at));
        }
        self.lines += u64::from(lines[BLOCKS]);
        if let Some(last) = newlines.last_in(newlines.some) {
            self.start = base + last + 1;
        }
    }

    /// Says where in the stretch at `base` the line ends that was found last, if it does. Gives the place behind it.
    #[inline(always)]
    fn close(&mut self, base: usize, newline: Option<usize>) -> usize {
        self.open = newline.is_none();
        let Some(newline) = newline else {
            return STRETCH;
        };
        if let Some(hit) = self.hits.last_mut() {
            hit.end = base + newline;
        }
        newline + 1
    }

    /// How many lines there are in all.
    fn end(self, text: &[u8]) -> u64 {
        if self.open
            && let Some(hit) = self.hits.last_mut()
        {
            hit.end = text.len();
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
        fn hits_are_what_going_from_line_to_line_finds(words in prop::collection::vec(0..48usize, 0..400)) {
            // Some lines are longer than a stretch.
            let (long, stretch) = (vec![b'x'; 2 * STRETCH + 1], vec![b'x'; STRETCH - 1]);
            let kinds = [&b"\n"[..], b"d[", b"n", b": ", b"a line without any mark", b"d"];
            let word = |word: &usize| match word {
                46 => &long[..],
                47 => &stretch[..],
                _ => kinds[word % kinds.len()],
            };
            let words: Vec<&[u8]> = words.iter().map(word).collect();
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
