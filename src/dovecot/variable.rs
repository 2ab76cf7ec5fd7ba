//! A variable: `$name` (to 2.3), `$SET:name` and `$ENV:NAME` in a value that is not quoted.
//!
//! `read` beside this file resolves them at the place where they stand, as the daemon does
//! (config_write_keyvariable in config-parser.c, 2.3.19.1 and 2.4.1).

use super::Family;

/// A value after its variables.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Expanded {
    pub(super) text: Vec<u8>,
    /// What it depends on that no file tells.
    pub(super) unknown: Option<String>,
}

/// What a variable stands for.
pub(super) enum Meaning {
    Text(Vec<u8>),
    /// It depends on this.
    Unknown(String),
    /// The daemon refuses it, with these words.
    Refused(String),
}

/// Replaces the variables of `value`; `look_up` gets the name of a setting.
pub(super) fn expand(
    value: &[u8],
    family: Family,
    mut look_up: impl FnMut(&[u8]) -> Meaning,
) -> Result<Expanded, String> {
    let mut out = Expanded::default();
    let mut rest = value;
    loop {
        let end = rest.iter().position(|&c| c == b' ');
        let word = &rest[..end.unwrap_or(rest.len())];
        let meaning = match (family, word) {
            (_, [b'$', b'E', b'N', b'V', b':', name @ ..]) => Meaning::Unknown(format!(
                "the environment variable {}",
                String::from_utf8_lossy(name)
            )),
            (Family::V23, [b'$', name @ ..])
            | (Family::V24, [b'$', b'S', b'E', b'T', b':', name @ ..]) => look_up(name),
            (Family::V23 | Family::V24, _) => Meaning::Text(word.to_vec()),
        };
        match meaning {
            Meaning::Text(text) => out.text.extend_from_slice(&text),
            Meaning::Unknown(what) => {
                out.text.extend_from_slice(word);
                out.unknown.get_or_insert(what);
            }
            Meaning::Refused(why) => return Err(why),
        }
        let Some(end) = end else {
            return Ok(out);
        };
        out.text.push(b' ');
        rest = &rest[end..];
        let next = rest.iter().position(|&c| c != b' ' && c != b'\t');
        rest = &rest[next.unwrap_or(rest.len())..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(value: &str, family: Family) -> Result<String, String> {
        let known = |name: &[u8]| match name {
            b"ssl" => Meaning::Text(b"yes".to_vec()),
            _ => Meaning::Refused(format!(
                "Unknown variable: ${}",
                String::from_utf8_lossy(name)
            )),
        };
        expand(value.as_bytes(), family, known)
            .map(|out| String::from_utf8_lossy(&out.text).into_owned())
    }

    #[test]
    fn only_words_that_start_with_a_dollar_are_variables() {
        assert_eq!(
            expanded("$ssl a$ssl  $ssl", Family::V23),
            Ok("yes a$ssl yes".into())
        );
        assert_eq!(
            expanded("$ssl-x", Family::V23),
            Err("Unknown variable: $ssl-x".into())
        );
        assert_eq!(
            expanded("$ssl $SET:ssl", Family::V24),
            Ok("$ssl yes".into())
        );
    }

    #[test]
    fn the_environment_is_unknown() {
        let out = expand(b"$ENV:FOO", Family::V23, |_| Meaning::Text(Vec::new()));
        assert_eq!(
            out.map(|out| out.unknown),
            Ok(Some("the environment variable FOO".into()))
        );
    }
}
