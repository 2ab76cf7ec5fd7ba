//! A rhythm: when logins came, as counts per hour of the week, minutes of the hour, and days.
//!
//! `log` fills one for each row of its tally, `evidence` hands it on, and `impact` reads from it whether a person or the clock
//! logs in. Each part is a sum or a union, so rhythms join in any order; and none grows with the number of logins.

/// When logins came, on the log's own clock face.
#[derive(Clone, Debug, Default)]
pub struct Rhythm {
    hours: Hours,
    /// Bit n for the nth minute of an hour.
    minutes: u64,
    days: Days,
}

/// Logins per hour of the week.
///
/// Nearly every client logs in at few of them. An entry has the hour in its upper byte and a count in the lower one; the entries
/// are in no order, and an hour may have several.
#[derive(Clone, Debug)]
enum Hours {
    /// Entries without memory of their own, of which the first `used` ones count.
    Few { used: u8, entries: [u16; FEW] },
    /// The same for more of them.
    More { used: u8, entries: Box<[u16]> },
    /// One count for each hour.
    Many(Box<[u32; 168]>),
}

/// A set of days since 1970-01-01: bit n of block m for day 64 m + n.
#[derive(Clone, Debug, Default)]
struct Days {
    /// The first block that was needed; most logs touch no other.
    block: i64,
    bits: u64,
    /// The others. They are few and seldom, so that they take a pointer only.
    more: Option<Box<Blocks>>,
}

/// Blocks of days, in no order; behind one pointer, where the vector itself would take three.
#[derive(Clone, Debug, Default)]
struct Blocks(Vec<(i64, u64)>);

/// The most that is counted of one hour of the week.
const MOST: u32 = (1 << 24) - 1;

/// So many entries fit where a pointer and the number of more would stand.
const FEW: usize = 11;

/// The most entries: 256 bytes. One count for each hour takes 672, but is found at once.
const MOST_ENTRIES: usize = 128;

const DAY: i64 = 86_400;

/// The days since 1970-01-01 that have a date: from the year 1 to 9999.
pub(crate) const CALENDAR: std::ops::Range<i64> = -719_162..2_932_897;

impl Rhythm {
    /// Counts logins at a moment, in seconds since 1970-01-01T00:00:00 on the log's clock face.
    pub fn add(&mut self, clock: i64, count: u32) {
        self.hours.add(hour_of_week(clock), count);
        self.minutes |= 1 << (clock.rem_euclid(3600) / 60);
        let day = clock.div_euclid(DAY);
        self.days.add(day.div_euclid(64), 1 << day.rem_euclid(64));
    }

    /// What [`Self::add`] looks at first, for whoever wants it at hand before.
    pub(crate) fn last_entry(&self) -> usize {
        match &self.hours {
            Hours::Many(many) => many.first().map_or(0, |count| *count as usize),
            packed => packed
                .entries()
                .last()
                .map_or(0, |entry| usize::from(*entry)),
        }
    }

    /// Takes in another one.
    pub fn join(&mut self, other: &Self) {
        if let Hours::Many(many) = &other.hours {
            for (hour, count) in (0..).zip(many.iter()).filter(|(_, count)| **count > 0) {
                self.hours.add(hour, *count);
            }
        }
        for entry in other.hours.entries() {
            let [hour, count] = entry.to_be_bytes();
            self.hours.add(hour, u32::from(count));
        }
        self.minutes |= other.minutes;
        for (block, bits) in other.days.blocks() {
            self.days.add(block, bits);
        }
    }

    /// Logins per hour of the week, Monday 00:00 first.
    pub fn hours(&self) -> [u32; 168] {
        match &self.hours {
            Hours::Many(many) => **many,
            packed => counts(packed.entries()),
        }
    }

    /// Hours of the week with their logins, minutes of the hour, and days: all that there is, to be kept and read again.
    pub(crate) fn parts(&self) -> (Vec<(u8, u32)>, Vec<u8>, Vec<i64>) {
        let hours = (0..).zip(self.hours());
        let minutes = (0..60).filter(|minute| self.minutes & 1 << minute != 0);
        (
            hours.filter(|(_, count)| *count > 0).collect(),
            minutes.collect(),
            self.days().collect(),
        )
    }

    /// The rhythm of such parts. What cannot be an hour, a minute or a day is left out.
    pub(crate) fn of_parts(hours: &[(u8, u32)], minutes: &[u8], days: &[i64]) -> Self {
        let mut rhythm = Self::default();
        for &(hour, count) in hours.iter().filter(|(hour, _)| *hour < 168) {
            rhythm.hours.add(hour, count);
        }
        for minute in minutes.iter().filter(|minute| **minute < 60) {
            rhythm.minutes |= 1 << minute;
        }
        for day in days.iter().filter(|day| CALENDAR.contains(day)) {
            rhythm.days.add(day.div_euclid(64), 1 << day.rem_euclid(64));
        }
        rhythm
    }

    /// The minutes of the hour at which there were logins, bit n for minute n.
    pub const fn minutes(&self) -> u64 {
        self.minutes
    }

    /// The days on which there were logins, since 1970-01-01, ascending.
    pub fn days(&self) -> impl Iterator<Item = i64> + use<> {
        let mut blocks: Vec<(i64, u64)> = self.days.blocks().collect();
        blocks.sort_unstable();
        blocks.into_iter().flat_map(|(block, days)| {
            (0..64)
                .filter(move |bit| days & 1 << bit != 0)
                .map(move |bit| block * 64 + bit)
        })
    }
}

/// How a rhythm lies in memory depends on the order in which it was filled; what it says does not.
impl PartialEq for Rhythm {
    fn eq(&self, other: &Self) -> bool {
        self.minutes == other.minutes
            && self.hours() == other.hours()
            && self.days().eq(other.days())
    }
}

impl Eq for Rhythm {}

impl Default for Hours {
    fn default() -> Self {
        Self::Few {
            used: 0,
            entries: [0; FEW],
        }
    }
}

impl Hours {
    fn add(&mut self, hour: u8, count: u32) {
        let (used, entries) = match self {
            Self::Few { used, entries } => (used, &mut entries[..]),
            Self::More { used, entries } => (used, &mut entries[..]),
            Self::Many(many) => {
                if let Some(known) = many.get_mut(usize::from(hour)) {
                    *known = (*known + count.min(MOST)).min(MOST);
                }
                return;
            }
        };
        let mut left = count;
        if let Some(last) = entries[..usize::from(*used)].last_mut()
            && last.to_be_bytes()[0] == hour
        {
            let taken = left.min(0xff - u32::from(*last & 0xff));
            *last += taken as u16;
            left -= taken;
        }
        if left == 0 {
            return;
        }
        match entries.get_mut(usize::from(*used)) {
            Some(free) if left <= 0xff => {
                *free = u16::from_be_bytes([hour, left as u8]);
                *used += 1;
            }
            Some(_) => {
                self.spread();
                self.add(hour, left);
            }
            None => {
                self.make_room();
                self.add(hour, left);
            }
        }
    }

    /// The entries, where there are any.
    fn entries(&self) -> &[u16] {
        match self {
            Self::Few { used, entries } => &entries[..usize::from(*used)],
            Self::More { used, entries } => &entries[..usize::from(*used)],
            Self::Many(_) => &[],
        }
    }

    /// Makes each hour one entry as far as its count fits, and sees to room for more.
    fn make_room(&mut self) {
        let room = match self {
            Self::Few { .. } => FEW,
            Self::More { entries, .. } => entries.len(),
            Self::Many(_) => return,
        };
        let mut entries = self.entries().to_vec();
        entries.sort_unstable();
        entries.dedup_by(|later, kept| {
            let [hour, count] = later.to_be_bytes();
            let [kept_hour, kept_count] = kept.to_be_bytes();
            match kept_count.checked_add(count) {
                Some(sum) if kept_hour == hour => {
                    *kept = u16::from_be_bytes([hour, sum]);
                    true
                }
                Some(_) | None => false,
            }
        });
        let used = entries.len();
        let full = |room: usize| used * 4 > room * 3;
        let room = if full(room) {
            MOST_ENTRIES.min(2 * room)
        } else {
            room
        };
        if full(room) {
            self.spread();
            return;
        }
        entries.resize(room, 0);
        let used = used as u8;
        *self = match entries.first_chunk() {
            Some(&entries) if room == FEW => Self::Few { used, entries },
            Some(_) | None => Self::More {
                used,
                entries: entries.into(),
            },
        };
    }

    /// Gives each hour a count.
    fn spread(&mut self) {
        *self = Self::Many(Box::new(counts(self.entries())));
    }
}

fn counts(few: &[u16]) -> [u32; 168] {
    let mut hours = [0u32; 168];
    for packed in few {
        let [hour, count] = packed.to_be_bytes();
        if let Some(known) = hours.get_mut(usize::from(hour)) {
            *known = (*known + u32::from(count)).min(MOST);
        }
    }
    hours
}

impl Days {
    fn add(&mut self, block: i64, bits: u64) {
        if self.bits == 0 {
            self.block = block;
        }
        if self.block == block {
            self.bits |= bits;
            return;
        }
        let Blocks(more) = &mut **self.more.get_or_insert_default();
        match more.iter_mut().find(|known| known.0 == block) {
            Some(known) => known.1 |= bits,
            None => {
                more.reserve_exact(1);
                more.push((block, bits));
            }
        }
    }

    fn blocks(&self) -> impl Iterator<Item = (i64, u64)> + '_ {
        let first = (self.bits != 0).then_some((self.block, self.bits));
        let more = self.more.iter().flat_map(|blocks| blocks.0.iter());
        first.into_iter().chain(more.copied())
    }
}

/// The hour of the week, Monday 00:00 first, of a moment on the log's clock face.
pub fn hour_of_week(clock: i64) -> u8 {
    // 1970-01-01 was a Thursday.
    let hour = (clock + 3 * DAY).rem_euclid(7 * DAY) / 3600;
    u8::try_from(hour).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hours_follow_the_week() {
        assert_eq!(hour_of_week(0), 72, "a Thursday");
        assert_eq!(
            hour_of_week(20_781 * DAY + 7 * 3600 + 59),
            24 + 7,
            "2026-11-24, a Tuesday"
        );
        assert_eq!(hour_of_week(-1), 71);
    }

    #[test]
    fn joining_parts_is_adding_all() {
        let moments = [
            0,
            59,
            60,
            3 * DAY,
            63 * DAY,
            64 * DAY,
            -DAY,
            400 * DAY + 7 * 3600,
        ];
        let mut whole = Rhythm::default();
        let (mut even, mut odd) = (Rhythm::default(), Rhythm::default());
        for (number, clock) in moments.into_iter().enumerate() {
            whole.add(clock, 2);
            if number % 2 == 0 { &mut even } else { &mut odd }.add(clock, 2);
        }
        odd.join(&even);
        assert_eq!(odd, whole);
        assert_eq!(odd.minutes(), 0b11);
        assert_eq!(odd.days().collect::<Vec<_>>(), [-1, 0, 3, 63, 64, 400]);
        assert_eq!(whole.hours().iter().sum::<u32>(), 16);
    }

    #[test]
    fn counts_are_the_same_however_they_are_kept() {
        let mut expected = [0u32; 168];
        let (mut one_by_one, mut all_at_once) = (Rhythm::default(), Rhythm::default());
        let mut step = 1;
        for round in 0..2000 {
            step = step * 29 % 9973;
            let hour = step % if round < 500 { 9 } else { 168 };
            expected[hour as usize] += 1;
            // 1970-01-05 was a Monday.
            one_by_one.add(4 * DAY + i64::from(hour) * 3600, 1);
            assert_eq!(one_by_one.hours(), expected, "{round}");
        }
        for (hour, count) in (0..).zip(expected) {
            all_at_once.add(4 * DAY + hour * 3600, count);
        }
        assert_eq!(all_at_once.hours(), expected);
        let (hours, minutes, days) = one_by_one.parts();
        assert_eq!(Rhythm::of_parts(&hours, &minutes, &days), one_by_one);

        let mut most = Rhythm::default();
        most.add(0, u32::MAX);
        most.add(0, 1);
        assert_eq!(most.hours()[72], MOST);
    }

    proptest! {
        #[test]
        fn hours_are_sums_whoever_counts_them(
            logins in prop::collection::vec((any::<bool>(), prop_oneof![0..9i64, 0..168i64], prop_oneof![1..3u32, 200..600u32]), 0..400)
        ) {
            let mut expected = [0u32; 168];
            let mut two = [Rhythm::default(), Rhythm::default()];
            for (second, hour, count) in logins {
                expected[hour as usize] += count;
                two[usize::from(second)].add(4 * DAY + hour * 3600, count);
            }
            let [mut one, other] = two;
            one.join(&other);
            prop_assert_eq!(one.hours(), expected);
        }
    }
}
