//! A truth: yes, no, or not to be told, with what it depends on.

/// Whether something holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Truth {
    /// It holds.
    Yes,
    /// It does not.
    No,
    /// It depends on something that no file here tells; the text says on what.
    Unknown(String),
}

impl Truth {
    /// Whether both hold.
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Unknown(why), _) | (_, Self::Unknown(why)) => Self::Unknown(why),
            (Self::Yes, Self::Yes) => Self::Yes,
        }
    }

    /// Whether one of the two holds.
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Yes, _) | (_, Self::Yes) => Self::Yes,
            (Self::Unknown(why), _) | (_, Self::Unknown(why)) => Self::Unknown(why),
            (Self::No, Self::No) => Self::No,
        }
    }

    /// Whether it does not hold.
    pub fn negated(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            Self::Unknown(why) => Self::Unknown(why),
        }
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_is_never_taken_for_no() {
        let unknown = || Truth::Unknown("why".to_owned());
        assert_eq!(unknown().negated(), unknown());
        assert_eq!(unknown().and(Truth::Yes), unknown());
        assert_eq!(unknown().and(Truth::No), Truth::No);
        assert_eq!(unknown().or(Truth::Yes), Truth::Yes);
        assert_eq!(Truth::No.or(unknown()), unknown());
        assert_eq!(Truth::from(true).and(Truth::Yes), Truth::Yes);
    }
}
