//! A patch: the unified diff of one file, byte for byte.
//!
//! `similar` computes the operations; the bytes are written here, because its own printer replaces what is not UTF-8.

use similar::{Algorithm, DiffOp, capture_diff_slices, group_diff_ops};

/// Lines of context around a change, as `diff -u` has them.
const CONTEXT: usize = 3;

/// The unified diff that turns `old` into `new`, for `git apply` and `patch -p1`; empty where they are equal.
///
/// `path` is what stands behind `a/` and `b/`: relative, with `/` between its parts; any bytes, as names are on a disk.
pub fn unified(path: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let (before, after) = (lines(old), lines(new));
    let operations = capture_diff_slices(Algorithm::Myers, &before, &after);
    let mut out = Vec::new();
    for hunk in group_diff_ops(operations, CONTEXT) {
        if hunk.iter().all(|op| matches!(op, DiffOp::Equal { .. })) {
            continue;
        }
        if out.is_empty() {
            out.extend_from_slice(
                format!("--- {}\n+++ {}\n", name("a/", path), name("b/", path)).as_bytes(),
            );
        }
        write_hunk(&mut out, &hunk, &before, &after);
    }
    out
}

/// A file name as `git apply` and GNU patch read it: quoted in C's manner where it holds anything unusual.
fn name(prefix: &str, path: &[u8]) -> String {
    let plain = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
    let mut quoted = String::from(prefix);
    if path.iter().all(plain) {
        quoted.extend(path.iter().map(|&byte| char::from(byte)));
        return quoted;
    }
    quoted.insert(0, '"');
    for &byte in path {
        match byte {
            b'"' | b'\\' => {
                quoted.push('\\');
                quoted.push(char::from(byte));
            }
            b' '..=b'~' => quoted.push(char::from(byte)),
            _ => quoted.push_str(&format!("\\{byte:03o}")),
        }
    }
    quoted.push('"');
    quoted
}

/// Splits after each newline and nowhere else: a lone CR is part of its line.
fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|&byte| byte == b'\n').collect()
}

fn write_hunk(out: &mut Vec<u8>, hunk: &[DiffOp], before: &[&[u8]], after: &[&[u8]]) {
    let (Some(first), Some(last)) = (hunk.first(), hunk.last()) else {
        return;
    };
    let old = first.old_range().start..last.old_range().end;
    let new = first.new_range().start..last.new_range().end;
    out.extend_from_slice(format!("@@ -{} +{} @@\n", extent(&old), extent(&new)).as_bytes());
    for op in hunk {
        let (gone, come) = (op.old_range(), op.new_range());
        match op {
            DiffOp::Equal { .. } => write_lines(out, b' ', &before[gone]),
            DiffOp::Delete { .. } | DiffOp::Insert { .. } | DiffOp::Replace { .. } => {
                write_lines(out, b'-', &before[gone]);
                write_lines(out, b'+', &after[come]);
            }
        }
    }
}

/// `start,count` as the header of a hunk has it: an empty side names the line before it.
fn extent(range: &std::ops::Range<usize>) -> String {
    match range.len() {
        0 => format!("{},0", range.start),
        1 => (range.start + 1).to_string(),
        count => format!("{},{count}", range.start + 1),
    }
}

fn write_lines(out: &mut Vec<u8>, mark: u8, lines: &[&[u8]]) {
    for line in lines {
        out.push(mark);
        out.extend_from_slice(line);
        if !line.ends_with(b"\n") {
            out.extend_from_slice(b"\n\\ No newline at end of file\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bstr::ByteSlice;

    #[test]
    fn bytes_line_ends_and_a_missing_newline_stay() {
        let patch = unified(
            b"etc/postfix/main.cf",
            b"# caf\xe9\r\na = no\r\nb = c",
            b"# caf\xe9\r\na = yes\r\nb = c\nd = e\n",
        );
        let expected: &[u8] = b"--- a/etc/postfix/main.cf\n+++ b/etc/postfix/main.cf\n@@ -1,3 +1,4 @@\n # caf\xe9\r\n\
            -a = no\r\n-b = c\n\\ No newline at end of file\n+a = yes\r\n+b = c\n+d = e\n";
        assert_eq!(patch.as_bstr(), expected.as_bstr());
    }

    #[test]
    fn equal_texts_give_nothing() {
        assert!(unified(b"f", b"a\n", b"a\n").is_empty());
    }

    #[test]
    fn an_empty_file_grows() {
        assert_eq!(
            unified(b"f", b"", b"a\n").as_bstr(),
            b"--- a/f\n+++ b/f\n@@ -0,0 +1 @@\n+a\n".as_bstr()
        );
    }

    #[test]
    fn names_with_spaces_and_quotes_are_quoted() {
        assert_eq!(name("a/", "x y\"\u{e9}".as_bytes()), r#""a/x y\"\303\251""#);
        assert_eq!(name("b/", b"z\xe9ro"), r#""b/z\351ro""#);
    }
}
