//! Names: every distinct text of a segment (host, program, account, address), kept once and known by a number.
//!
//! The bytes lie in one arena and the index holds numbers only, so a distinct name costs its length and a few bytes more.
//! Account names of failed logins are chosen by strangers, so the hash is a seeded one.

use std::hash::BuildHasher;
use std::num::NonZeroU64;
use std::ops::Range;
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::evidence::{Text, Texts};
use crate::parallel;

/// A text in [`Names`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Name(u32);

impl Name {
    /// No text: what is not known.
    pub(crate) const NONE: Self = Self(u32::MAX);

    /// Its number, from 0.
    pub(crate) const fn number(self) -> usize {
        self.0 as usize
    }

    /// Its text among those of the names that it is one of.
    pub(crate) fn text(self, texts: &Arc<Texts>) -> Text {
        Text::of(Arc::clone(texts), self.0)
    }

    /// Whether there is a text.
    pub(crate) fn is_some(self) -> bool {
        self != Self::NONE
    }
}

/// The hash of a text, as one segment has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hash(NonZeroU64);

/// A text in the index: its number, and where it stands, so that finding it touches the index and the arena only.
#[derive(Clone, Copy, Debug)]
struct Place {
    start: usize,
    length: u32,
    number: u32,
}

impl Place {
    fn text(self, arena: &[u8]) -> &[u8] {
        arena
            .get(self.start..self.start + self.length as usize)
            .unwrap_or_default()
    }
}

/// So many texts are fetched together.
const TOGETHER: usize = 256;

/// The distinct texts of one segment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    texts: Texts,
    index: HashTable<Place>,
    hasher: DefaultHashBuilder,
    /// Room for what is fetched.
    starts: Vec<usize>,
}

/// Sees to it that all of these were read from memory.
pub(crate) fn fetched(values: impl Iterator<Item = usize>) {
    std::hint::black_box(values.fold(0, |all, value| all ^ value));
}

impl Names {
    /// The number of a text; a new one is taken in.
    pub(crate) fn intern(&mut self, text: &[u8]) -> Name {
        self.intern_hashed(self.hash(text), text)
    }

    /// The hash of a text here.
    pub(crate) fn hash(&self, text: &[u8]) -> Hash {
        Hash(NonZeroU64::new(self.hasher.hash_one(text)).unwrap_or(NonZeroU64::MIN))
    }

    /// The number of a text with this hash, if it is known.
    fn find(&self, hash: Hash, text: &[u8]) -> Option<Name> {
        let is = |known: &Place| known.text(self.texts.bytes()) == text;
        self.index
            .find(hash.0.get(), is)
            .map(|known| Name(known.number))
    }

    /// The number of a text with this hash; a new one is taken in.
    pub(crate) fn intern_hashed(&mut self, hash: Hash, text: &[u8]) -> Name {
        if let Some(known) = self.find(hash, text) {
            return known;
        }
        let Self {
            texts,
            index,
            hasher,
            ..
        } = self;
        let hash = hash.0.get();
        // Four thousand million distinct names need more memory than any machine that reads logs has;
        // should it come to that, further ones are told apart no more, but nothing breaks.
        let (Ok(number), Ok(length)) = (u32::try_from(texts.len()), u32::try_from(text.len()))
        else {
            return Name::NONE;
        };
        let place = Place {
            start: texts.bytes().len(),
            length,
            number,
        };
        texts.push(text);
        index.insert_unique(hash, place, |known| {
            let hash = NonZeroU64::new(hasher.hash_one(known.text(texts.bytes())));
            hash.unwrap_or(NonZeroU64::MIN).get()
        });
        Name(number)
    }

    /// Has the texts with these hashes at hand, if there are any.
    ///
    /// They lie all over the memory. Each step looks at the places of all of them and decides nothing,
    /// so that the processor fetches several at a time.
    pub(crate) fn fetch(&mut self, hashes: impl Iterator<Item = Hash>) {
        let mut starts = std::mem::take(&mut self.starts);
        self.touch(hashes, &mut starts);
        self.starts = starts;
    }

    /// The same, with room for where they start.
    fn touch(&self, hashes: impl Iterator<Item = Hash>, starts: &mut Vec<usize>) {
        starts.clear();
        starts
            .extend(hashes.filter_map(|hash| Some(self.index.find(hash.0.get(), |_| true)?.start)));
        let firsts = starts
            .iter()
            .filter_map(|start| self.texts.bytes().get(*start));
        fetched(firsts.map(|byte| usize::from(*byte)));
    }

    /// The number of a text that is likely to be the one of `near`.
    pub(crate) fn intern_like(&mut self, near: Name, text: &[u8]) -> Name {
        if self.get(near) == Some(text) {
            return near;
        }
        self.intern(text)
    }

    /// The text of a number; empty for [`Name::NONE`].
    pub(crate) fn text(&self, name: Name) -> &[u8] {
        self.texts.get(name.number())
    }

    /// The rank of each text among all in the order of their bytes, from 1; 0 is for what is not known.
    pub(crate) fn ranks(&self) -> Ranks {
        // Most texts differ in their first bytes, which are compared as one number.
        let mut numbers: Vec<(u128, u32)> = (0..u32::try_from(self.len()).unwrap_or(u32::MAX))
            .map(|number| (beginning(self.text(Name(number))), number))
            .collect();
        numbers.sort_unstable_by_key(|(beginning, _)| *beginning);
        for alike in numbers.chunk_by_mut(|a, b| a.0 == b.0) {
            if alike.len() > 1 {
                alike.sort_unstable_by(|a, b| self.text(Name(a.1)).cmp(self.text(Name(b.1))));
            }
        }
        let mut ranks = vec![0; numbers.len()];
        for (rank, (_, number)) in (1..).zip(numbers) {
            ranks[number as usize] = rank;
        }
        Ranks(ranks)
    }

    /// Takes in every text of another segment, in the order of their numbers there.
    pub(crate) fn take_in(&mut self, other: &Self) -> Vec<Name> {
        let (middle, end) = (other.len() / 2, other.len());
        let (mut found, others) = parallel::halves(
            end,
            || self.find_all(other, 0..middle),
            || self.find_all(other, middle..end),
        );
        found.extend(others);
        let names = (0..).zip(found).map(|(number, (hash, known))| {
            known.unwrap_or_else(|| self.intern_hashed(hash, other.texts.get(number)))
        });
        names.collect()
    }

    /// The hashes of some texts of another segment, with their numbers here as far as they are known.
    fn find_all(&self, other: &Self, numbers: Range<usize>) -> Vec<(Hash, Option<Name>)> {
        let mut found = Vec::with_capacity(numbers.len());
        let mut starts = Vec::with_capacity(TOGETHER);
        for from in numbers.clone().step_by(TOGETHER) {
            let texts = from..numbers.end.min(from + TOGETHER);
            let hashes = texts.map(|number| (self.hash(other.texts.get(number)), None));
            let first = found.len();
            found.extend(hashes);
            self.touch(found[first..].iter().map(|(hash, _)| *hash), &mut starts);
            for (number, (hash, name)) in (from..).zip(&mut found[first..]) {
                *name = self.find(*hash, other.texts.get(number));
            }
        }
        found
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }

    /// The texts, each with the number of its name.
    pub(crate) const fn texts(&self) -> &Texts {
        &self.texts
    }

    /// The same alone.
    pub(crate) fn into_texts(self) -> Texts {
        self.texts
    }

    /// The text, or none for [`Name::NONE`].
    pub(crate) fn get(&self, name: Name) -> Option<&[u8]> {
        name.is_some().then(|| self.text(name))
    }
}

/// The first bytes as a number that is ordered as they are.
fn beginning(text: &[u8]) -> u128 {
    let mut bytes = [0; 16];
    let length = text.len().min(bytes.len());
    bytes[..length].copy_from_slice(&text[..length]);
    u128::from_be_bytes(bytes)
}

/// The order of names.
#[derive(Debug)]
pub(crate) struct Ranks(Vec<u32>);

impl Ranks {
    /// The rank of a name.
    pub(crate) fn of(&self, name: Name) -> u32 {
        self.0.get(name.0 as usize).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_one_number() {
        let mut names = Names::default();
        let (a, empty, b) = (
            names.intern(b"a"),
            names.intern(b""),
            names.intern(b"\xffb"),
        );
        assert_eq!(names.intern(b"a"), a);
        assert_eq!(names.intern(b""), empty);
        assert_eq!(names.text(b), b"\xffb");
        assert_eq!(names.text(Name::NONE), b"");
        assert_eq!(names.get(empty), Some(&b""[..]));

        let mut other = Names::default();
        other.intern(b"x");
        let taken = other.take_in(&names);
        assert_eq!(other.text(taken[b.number()]), b"\xffb");

        let mut many = Names::default();
        let texts: [&[u8]; 6] = [
            b"the same for sixteen bytes b",
            b"",
            b"b\0",
            b"the same for sixteen bytes a",
            b"b",
            b"the same for six",
        ];
        let numbers = texts.map(|text| many.intern(text));
        let ranks = many.ranks();
        assert_eq!(numbers.map(|name| ranks.of(name)), [6, 1, 3, 5, 2, 4]);
        assert_eq!(ranks.of(Name::NONE), 0);
    }
}
