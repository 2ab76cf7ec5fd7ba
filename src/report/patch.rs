//! A patch for people. A program gets its bytes as they are.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::plain::plain;
use super::screen::Screen;

/// Writes a patch: where somebody looks at it, in colour and with nothing in it that a terminal would act on.
///
/// # Errors
/// What the writer says.
pub fn write(out: &mut dyn Write, patch: &[u8], screen: &Screen) -> io::Result<()> {
    if !screen.is_looked_at() {
        return out.write_all(patch);
    }
    for line in patch.split_inclusive(|&byte| byte == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        // A tab only moves to the right.
        let parts = line.split(|&byte| byte == b'\t');
        let text = parts.map(plain).collect::<Vec<_>>().join("\t");
        let style = style(line);
        match screen.coloured && style != Style::new() {
            true => writeln!(out, "{style}{text}{style:#}")?,
            false => writeln!(out, "{text}")?,
        }
    }
    Ok(())
}

fn style(line: &[u8]) -> Style {
    if line.starts_with(b"--- ") || line.starts_with(b"+++ ") {
        return Style::new().bold();
    }
    match line.first() {
        Some(b'+') => AnsiColor::Green.on_default(),
        Some(b'-') => AnsiColor::Red.on_default(),
        Some(b'@') => AnsiColor::Cyan.on_default(),
        Some(_) | None => Style::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &[u8] = b"--- a/main.cf\n+++ b/main.cf\n@@ -1 +1 @@\n a\t\x1b[2J\n-b\n+c\n";

    fn shown(screen: &Screen) -> String {
        let mut out = Vec::new();
        write(&mut out, PATCH, screen).expect("a vector takes every byte");
        String::from_utf8(out).expect("it was text")
    }

    #[test]
    fn a_terminal_gets_colours_and_nothing_to_act_on() {
        let screen = Screen {
            width: Some(80),
            coloured: true,
            links: None,
        };
        let text = shown(&screen);
        assert!(text.contains(" a\t\\u{1b}[2J\n"), "{text}");
        assert!(
            text.contains("\u{1b}[31m-b\u{1b}[0m\n\u{1b}[32m+c"),
            "{text}"
        );
    }

    #[test]
    fn a_pipe_gets_every_byte() {
        assert_eq!(shown(&Screen::default()).as_bytes(), PATCH);
    }
}
