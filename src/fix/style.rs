//! Style: how the text around a place is written, so that what is put there looks like it.

use crate::edit::Edit;
use crate::source::{FileId, Span};

/// Puts a value in place of another that may reach over several lines of main.cf or master.cf: its first line gets the
/// new text, the lines that continue it go away, and the comments between them stay.
/// `end` is the end of the logical line.
pub(super) fn replace_value(bytes: &[u8], value: Span, end: usize, text: &str) -> Vec<Edit> {
    if value.is_empty() {
        return vec![fill_in(bytes, value, text)];
    }
    let first_end = line_end(bytes, value.start).min(value.end);
    let first = trimmed(bytes, value.start, first_end);
    let mut edits = vec![Edit::replace(
        Span::new(value.file, value.start, first),
        text,
    )];
    let mut at = line_end(bytes, value.start);
    while at < value.end {
        let next = line_end(bytes, at).min(end);
        let inside = bytes[at..next].trim_ascii_start();
        if !inside.is_empty() && !inside.starts_with(b"#") {
            edits.push(Edit::delete(Span::new(value.file, at, next)));
        }
        at = next.max(at + 1);
    }
    edits
}

/// Puts a value where there is none: one blank behind the `=`, and none behind the value.
fn fill_in(bytes: &[u8], value: Span, text: &str) -> Edit {
    let blanks = |from: usize| {
        let rest = &bytes[from..];
        rest.iter()
            .take_while(|&&c| c == b' ' || c == b'\t')
            .count()
    };
    let glued = value.start > 0 && bytes.get(value.start - 1) == Some(&b'=');
    let behind = value.start + blanks(value.start);
    let at_end = matches!(bytes.get(behind), None | Some(b'\r' | b'\n'));
    let spaced = value.start > 1 && matches!(bytes.get(value.start - 2), Some(b' ' | b'\t'));
    let text = if glued && spaced {
        format!(" {text}")
    } else {
        text.to_owned()
    };
    let end = if at_end { behind } else { value.start };
    Edit::replace(Span::new(value.file, value.start, end), text)
}

/// A line `name = value` with the blanks around its `=` as `model` has them; where the model's `=` stands in a column of
/// its own, that column is kept.
pub(super) fn like(model: &[u8], name: &str, value: &str) -> String {
    let usual = format!("{name} = {value}");
    let Some(equals) = model.iter().position(|&c| c == b'=') else {
        return usual;
    };
    let named = trimmed(model, 0, equals);
    let Ok(before) = std::str::from_utf8(&model[named..equals]) else {
        return usual;
    };
    let behind = &model[equals + 1..];
    let blanks = behind
        .iter()
        .take_while(|&&c| c == b' ' || c == b'\t')
        .count();
    // A value that begins on the next line, or is empty, tells nothing.
    let after = match behind.get(blanks) {
        Some(b'\r' | b'\n') | None => " ",
        Some(_) => std::str::from_utf8(&behind[..blanks]).unwrap_or(" "),
    };
    let before = if before.len() > 1 && !before.contains('\t') {
        let indent = model.iter().take_while(|c| c.is_ascii_whitespace()).count();
        let column = equals - indent;
        " ".repeat(column.saturating_sub(name.len()).max(1))
    } else {
        before.to_owned()
    };
    format!("{name}{before}={after}{value}")
}

/// A new line at `at`, which is between two lines or at the end of the file; it ends as the line before it does.
pub(super) fn new_line(file: FileId, bytes: &[u8], at: usize, line: &str) -> Edit {
    let ending = ending(bytes, at);
    let open = at > 0 && bytes.get(at - 1) != Some(&b'\n');
    let start = if open { ending } else { "" };
    Edit::insert(Span::new(file, at, at), format!("{start}{line}{ending}"))
}

/// How the line before `at` ends, or the one after it where that is the first that ends at all.
fn ending(bytes: &[u8], at: usize) -> &'static str {
    let newline = memchr::memrchr(b'\n', &bytes[..at]).or_else(|| memchr::memchr(b'\n', bytes));
    match newline {
        Some(newline) if newline > 0 && bytes[newline - 1] == b'\r' => "\r\n",
        Some(_) | None => "\n",
    }
}

/// The offset behind the line that `at` lies in.
fn line_end(bytes: &[u8], at: usize) -> usize {
    memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |newline| at + newline + 1)
}

/// The end of `bytes[start..end]` without the white space there.
fn trimmed(bytes: &[u8], start: usize, end: usize) -> usize {
    start + bytes[start..end].trim_ascii_end().len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit;
    use crate::source::{FileTree, Sources};
    use bstr::ByteSlice;

    #[test]
    fn a_line_looks_like_its_model() {
        for (model, expected) in [
            (&b"smtpd_tls_loglevel = 1"[..], "n = yes"),
            (b"smtpd_tls_loglevel=1", "n=yes"),
            (b"a= b", "n= yes"),
            (b"a\t=\tb", "n\t=\tyes"),
            (b"smtpd_tls_key_file  = b", "n                   = yes"),
            (b"a   = b", "n   = yes"),
            (b"a =\r\n", "n = yes"),
            (b"a =\n   b\n", "n = yes"),
            (b"no sign", "n = yes"),
        ] {
            assert_eq!(like(model, "n", "yes"), expected, "{}", model.as_bstr());
        }
        assert_eq!(like(b"abc  = d", "longer_name", "yes"), "longer_name = yes");
    }

    #[test]
    fn the_comments_inside_a_value_stay() {
        for (text, value, expected) in [
            (&b"a = no\nb\n"[..], 4..6, &b"a = yes\nb\n"[..]),
            (
                b"a = no\r\n# c\r\n  so\r\n\r\n  x\r\nb",
                4..24,
                b"a = yes\r\n# c\r\n\r\nb",
            ),
            (b"a =\n# c\n  no \nb", 10..12, b"a =\n# c\n  yes \nb"),
            (b"a =\nb", 3..3, b"a = yes\nb"),
            (b"a =  \r\nb", 3..3, b"a = yes\r\nb"),
            (b"a=\nb", 2..2, b"a=yes\nb"),
            (b"a =", 3..3, b"a = yes"),
            (b"-o a= -v", 5..5, b"-o a=yes -v"),
        ] {
            let mut sources = Sources::new(FileTree::default());
            let file = sources.add("/f", text.to_vec());
            let span = Span::new(file, value.start, value.end);
            let edits = replace_value(text, span, text.len() - 1, "yes");
            let new = edit::apply(text, &edits).expect("they do not overlap");
            assert_eq!(new.as_bstr(), expected.as_bstr());
        }
    }

    #[test]
    fn a_new_line_ends_as_the_one_before() {
        for (text, at, expected) in [
            (&b"a\r\nb\n"[..], 3, &b"a\r\nx\r\nb\n"[..]),
            (b"a\r\nb\n", 5, b"a\r\nb\nx\n"),
            (b"a\r\nb", 4, b"a\r\nb\r\nx\r\n"),
            (b"a", 1, b"a\nx\n"),
            (b"", 0, b"x\n"),
        ] {
            let mut sources = Sources::new(FileTree::default());
            let file = sources.add("/f", text.to_vec());
            let new = edit::apply(text, &[new_line(file, text, at, "x")]);
            assert_eq!(new.expect("one edit").as_bstr(), expected.as_bstr());
        }
    }
}
