//! A version of Postfix or Dovecot, and a range of them.
//!
//! What a setting means depends on the release that reads it, so every verdict holds for a [`Range`].

use std::fmt;
use std::str::FromStr;

/// A release number such as 3.7.11 or 2.3.19.1; the parts that are not written are zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version([u16; 4]);

impl Version {
    /// The release `major.minor`, before any patch level.
    pub const fn new(major: u16, minor: u16) -> Self {
        Self([major, minor, 0, 0])
    }

    /// The release `major.minor.patch`.
    pub const fn patch(major: u16, minor: u16, patch: u16) -> Self {
        Self([major, minor, patch, 0])
    }
}

impl FromStr for Version {
    type Err = String;

    /// Reads `3.7.11`, `2.3.19.1`, and the longer words that `postconf -d mail_version` and
    /// `dovecot --version` print (`2.3.19.1 (9b53102964)`, `3.12-20260821`).
    fn from_str(text: &str) -> Result<Self, String> {
        let number = text
            .trim()
            .split(|c: char| !(c.is_ascii_digit() || c == '.'))
            .next()
            .unwrap_or_default();
        let mut parts = [0; 4];
        let mut count = 0;
        for part in number.split('.') {
            if count == parts.len() {
                break;
            }
            parts[count] = part
                .parse()
                .map_err(|_| format!("\"{text}\" is not a version such as 3.7.11"))?;
            count += 1;
        }
        if count < 2 {
            return Err(format!("\"{text}\" is not a version such as 3.7.11"));
        }
        Ok(Self(parts))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch, build] = self.0;
        write!(f, "{major}.{minor}")?;
        if patch != 0 || build != 0 {
            write!(f, ".{patch}")?;
        }
        if build != 0 {
            write!(f, ".{build}")?;
        }
        Ok(())
    }
}

/// The releases from `from` on and before `before`; either end may be open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Range {
    /// The first release in the range.
    pub from: Option<Version>,
    /// The first release after the range.
    pub before: Option<Version>,
}

impl Range {
    /// Every release.
    pub const ANY: Self = Self {
        from: None,
        before: None,
    };

    /// Only this release.
    pub const fn exactly(version: Version) -> Self {
        let [major, minor, patch, build] = version.0;
        Self {
            from: Some(version),
            before: Some(Version([major, minor, patch, build + 1])),
        }
    }

    /// The one release in the range, if it holds only one.
    pub fn only(&self) -> Option<Version> {
        self.from.filter(|&from| *self == Self::exactly(from))
    }

    /// Cuts the range at each of `changes` (ascending) that lies inside it, so that within a piece nothing changes.
    /// Each piece comes with a release to stand for it: its first, or `oldest` where the range is open below.
    pub fn pieces(&self, changes: &[Version], oldest: Version) -> Vec<(Self, Version)> {
        let mut pieces = Vec::new();
        let mut from = self.from;
        for &change in changes {
            if change > from.unwrap_or(oldest) && self.before.is_none_or(|before| change < before) {
                let piece = Self {
                    from,
                    before: Some(change),
                };
                pieces.push((piece, from.unwrap_or(oldest)));
                from = Some(change);
            }
        }
        let rest = Self {
            from,
            before: self.before,
        };
        pieces.push((rest, from.unwrap_or(oldest)));
        pieces
    }

    /// Whether some release lies in both ranges.
    pub fn meets(&self, other: Self) -> bool {
        let ends_before = |end: Option<Version>, start: Option<Version>| {
            end.zip(start).is_some_and(|(end, start)| end <= start)
        };
        !ends_before(self.before, other.from) && !ends_before(other.before, self.from)
    }

    /// Whether every release of this range lies in the other.
    pub fn lies_in(&self, other: Self) -> bool {
        let starts = other
            .from
            .is_none_or(|from| self.from.is_some_and(|own| from <= own));
        let ends = other
            .before
            .is_none_or(|before| self.before.is_some_and(|own| own <= before));
        starts && ends
    }

    /// Whether `version` lies in the range.
    pub fn contains(&self, version: Version) -> bool {
        self.from.is_none_or(|from| from <= version)
            && self.before.is_none_or(|before| version < before)
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(version) = self.only() {
            return version.fmt(f);
        }
        match (self.from, self.before) {
            (None, None) => f.write_str("any"),
            (Some(from), None) => write!(f, "{from} and later"),
            (None, Some(before)) => write!(f, "before {before}"),
            (Some(from), Some(before)) => write!(f, "{from} to before {before}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_daemons_print() {
        for (text, version) in [
            ("3.7.11", Version::patch(3, 7, 11)),
            ("2.4", Version::new(2, 4)),
            ("2.3.19.1 (9b53102964)\n", Version([2, 3, 19, 1])),
            ("3.12-20260821", Version::new(3, 12)),
        ] {
            assert_eq!(text.parse(), Ok(version), "{text}");
        }
        for text in ["", "3", "x.y", "mail"] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
        assert_eq!(Version([2, 3, 19, 1]).to_string(), "2.3.19.1");
        assert!(Version::new(3, 10) > Version::patch(3, 9, 4));
    }

    #[test]
    fn a_range_excludes_its_end() {
        let range = Range {
            from: Some(Version::new(2, 5)),
            before: Some(Version::new(3, 0)),
        };
        assert!(range.contains(Version::new(2, 5)) && range.contains(Version::patch(2, 11, 1)));
        assert!(!range.contains(Version::new(3, 0)) && !range.contains(Version::new(2, 3)));
        assert_eq!(range.to_string(), "2.5 to before 3.0");
        assert_eq!(
            Range::exactly(Version::patch(3, 7, 11)).to_string(),
            "3.7.11"
        );
    }

    #[test]
    fn pieces_cut_where_something_changes() {
        let oldest = Version::new(2, 3);
        let changes = [Version::new(2, 5), Version::new(2, 6), Version::new(3, 6)];
        let range = Range {
            from: None,
            before: Some(Version::new(2, 6)),
        };
        let pieces: Vec<String> = range
            .pieces(&changes, oldest)
            .iter()
            .map(|(range, version)| format!("{range} by {version}"))
            .collect();
        assert_eq!(pieces, ["before 2.5 by 2.3", "2.5 to before 2.6 by 2.5"]);
        let one = Range::exactly(Version::patch(3, 7, 11));
        assert_eq!(
            one.pieces(&changes, oldest),
            [(one, Version::patch(3, 7, 11))]
        );
    }
}
