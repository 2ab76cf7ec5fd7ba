//! A shell word: a name or value written so that a shell reads back exactly its bytes, and that a terminal only shows it.
//!
//! Most stand as they are, those with blanks and the like in single quotes. What would not be harmless on a screen (see
//! `plain`) is written by number in `$'…'`, which bash, ksh and zsh have long read, and POSIX since 2024 (XCU 2.2.4).

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use bstr::ByteSlice;

use super::plain::plain;

/// The word of a value.
pub fn word(value: &OsStr) -> String {
    let bytes = value.as_bytes();
    // A blank that none sees is quoted too: only ASCII needs no thought, and letters and digits of every script.
    let is_bare = |c: char| c.is_alphanumeric() || "/._-+,:@%=".contains(c);
    match value.to_str().filter(|text| plain(bytes) == **text) {
        // zsh reads `=name` as the place of a program.
        Some(text) if !text.is_empty() && !text.starts_with('=') && text.chars().all(is_bare) => {
            text.to_owned()
        }
        Some(text) => format!("'{}'", text.replace('\'', r"'\''")),
        None => numbered(bytes),
    }
}

/// The word of a path, which no command takes for an option.
pub fn path(path: &Path) -> String {
    match path.as_os_str().as_bytes().starts_with(b"-") {
        true => word(Path::new(".").join(path).as_os_str()),
        false => word(path.as_os_str()),
    }
}

fn numbered(bytes: &[u8]) -> String {
    let mut word = "$'".to_owned();
    for (start, end, c) in bytes.char_indices() {
        let bytes = &bytes[start..end];
        match c {
            '\n' => word.push_str("\\n"),
            '\t' => word.push_str("\\t"),
            '\r' => word.push_str("\\r"),
            '\\' | '\'' => word.extend(['\\', c]),
            // Of a workflow's commands (see `plain`) nothing is left whole.
            '#' => word.push_str("\\043"),
            c if plain(bytes) == c.to_string() => word.push(c),
            // Three octal digits: a shell may read more than two hexadecimal ones, and a digit may follow.
            _other => {
                for byte in bytes {
                    word.push_str(&format!("\\{byte:03o}"));
                }
            }
        }
    }
    word.push('\'');
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_as_plain_as_it_can_be() {
        for (bytes, text) in [
            (&b"hosts/mx1"[..], "hosts/mx1"),
            ("ü/アリス".as_bytes(), "ü/アリス"),
            (b"a b's", r"'a b'\''s'"),
            (b"", "''"),
            (b"=ls", "'=ls'"),
            (b"mail.log*", "'mail.log*'"),
            (b"a\nb\x1b[2J'\\", r"$'a\nb\033[2J\'\\'"),
            (b"caf\xe9", r"$'caf\351'"),
            ("a\u{202e}b".as_bytes(), r"$'a\342\200\256b'"),
            (b"##[error]", r"$'\043\043[error]'"),
        ] {
            let word = word(OsStr::from_bytes(bytes));
            assert_eq!(word, text);
            assert_eq!(plain(word.as_bytes()), word);
        }
        assert_eq!(path(Path::new("-x")), "./-x");
    }
}
