//! A written setting's fact: what a rule asks of a line, whether or not it is in force.

use crate::surface::setting::Written;

use super::test::Test;
use super::truth::Truth;

/// What is asked of a written setting.
#[derive(Clone, Debug)]
pub enum WrittenFact {
    /// Its name, as written or as the newest release has it.
    Name(Test),
    /// Its value, after `$` expansion.
    Value(Test),
    /// The service or the sections that it stands in; empty for none.
    Scope(Test),
    /// Whether it is in force in its place.
    InForce(bool),
    /// Whether the value is a file behind `<`.
    FromFile(bool),
}

impl WrittenFact {
    /// Whether it is true of a setting that stands in a file of this name.
    pub(super) fn holds(&self, written: &Written, file: Option<&[u8]>) -> Truth {
        match self {
            Self::Name(test) => {
                let name = test.of(&written.name, file);
                name.or(test.of(&written.newest, file))
            }
            Self::Value(test) => test.of(&written.value, file),
            Self::Scope(test) => test.of(written.scope.as_bytes(), file),
            Self::InForce(wanted) => (written.in_force == *wanted).into(),
            Self::FromFile(wanted) => (written.from_file == *wanted).into(),
        }
    }
}
