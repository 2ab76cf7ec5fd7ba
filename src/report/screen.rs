//! A screen: what text for people is written on. A terminal has a width and knows colours and links; a file or a pipe
//! has none of it, and gets every line as long as it is.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};

/// What is written on.
#[derive(Clone, Debug, Default)]
pub struct Screen {
    /// How many columns there are; none where lines may be as long as they are.
    pub width: Option<usize>,
    /// Whether it shows colours.
    pub coloured: bool,
    /// Where it follows links, the name of the machine whose files they lead to.
    pub links: Option<String>,
}

/// How much is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// The answer alone.
    Answer,
    /// What there is to act on.
    #[default]
    Usual,
    /// All that is known.
    All,
}

/// What a text means to whoever reads it, which its colour says once more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// It is as it should be.
    Good,
    /// Something has to be done.
    Bad,
    /// Nobody knows, or it may have to be done.
    Doubt,
    /// It stands above something.
    Heading,
    /// It is there to be looked up.
    Faint,
    /// Nothing in particular.
    #[default]
    Neutral,
}

impl Tone {
    const fn style(self) -> Style {
        match self {
            Self::Good => AnsiColor::Green.on_default().bold(),
            Self::Bad => AnsiColor::Red.on_default().bold(),
            Self::Doubt => AnsiColor::Yellow.on_default().bold(),
            Self::Heading => Style::new().bold(),
            Self::Faint => Style::new().dimmed(),
            Self::Neutral => Style::new(),
        }
    }
}

impl Screen {
    /// Whether somebody looks at it.
    pub const fn is_looked_at(&self) -> bool {
        self.width.is_some() || self.coloured
    }

    /// The text in the colour of its tone.
    pub fn paint(&self, tone: Tone, text: &str) -> String {
        if !self.coloured || tone == Tone::Neutral {
            return text.to_owned();
        }
        let style = tone.style();
        format!("{style}{text}{style:#}")
    }

    /// The text as a link to `address`, where links are followed and there is an address.
    pub fn link(&self, address: Option<&str>, text: &str) -> String {
        match address {
            Some(address) if self.links.is_some() => {
                format!("\u{1b}]8;;{address}\u{1b}\\{text}\u{1b}]8;;\u{1b}\\")
            }
            Some(_) | None => text.to_owned(),
        }
    }

    /// The text in lines that have room behind `before` columns; as it is where there is hardly any.
    pub(super) fn folded(&self, text: &str, before: usize) -> String {
        const LEAST: usize = 24;
        match self.width.and_then(|width| width.checked_sub(before)) {
            Some(room) if room >= LEAST => {
                let options = options(room, WordSeparator::AsciiSpace).break_words(false);
                textwrap::fill(text, options)
            }
            Some(_) | None => text.to_owned(),
        }
    }

    /// Writes an answer and what to do next: in one line where there is room, else in two, since a command that is folded
    /// cannot be copied.
    ///
    /// # Errors
    /// What the writer says.
    pub(super) fn answer(
        &self,
        out: &mut dyn Write,
        answer: &str,
        next: Option<&str>,
        detail: Detail,
    ) -> io::Result<()> {
        let whole = next.map_or_else(|| answer.to_owned(), |next| format!("{answer}; {next}"));
        match (self.width, next) {
            (_, _) if detail == Detail::Answer => writeln!(out, "{whole}"),
            (Some(width), Some(next)) if columns(&whole) > width => {
                self.line(out, 0, answer)?;
                writeln!(out, "{next}")
            }
            (Some(_) | None, Some(_) | None) => self.line(out, 0, &whole),
        }
    }

    /// A command and what it does, which goes on below where there is no room behind `before` columns.
    pub(super) fn command(&self, command: &str, words: &str, before: usize) -> String {
        let whole = format!("{command} {words}");
        match self.width {
            Some(width) if columns(&whole) + before > width => {
                format!("{command}\n{}", self.folded(words, before))
            }
            Some(_) | None => whole,
        }
    }

    /// Writes a sentence or a heading, with a line left free above it.
    ///
    /// # Errors
    /// What the writer says.
    pub(super) fn apart(&self, out: &mut dyn Write, text: &str) -> io::Result<()> {
        writeln!(out)?;
        self.line(out, 0, text)
    }

    /// Writes a line after `indent`; where it is too long for the screen it goes on below, two columns further in.
    ///
    /// # Errors
    /// What the writer says.
    pub fn line(&self, out: &mut dyn Write, indent: usize, text: &str) -> io::Result<()> {
        let first = " ".repeat(indent);
        let Some(width) = self.width else {
            return writeln!(out, "{first}{text}");
        };
        let further = " ".repeat(indent + 2);
        // What somebody may want to copy, such as a path, is not cut.
        let options = options(width, WordSeparator::AsciiSpace)
            .initial_indent(&first)
            .subsequent_indent(&further)
            .break_words(false);
        for line in textwrap::wrap(text, options) {
            writeln!(out, "{line}")?;
        }
        Ok(())
    }
}

/// How many columns the text takes. Each character counts for itself, as terminals do it, also where a font would draw
/// two of them as one.
pub(super) fn columns(text: &str) -> usize {
    textwrap::core::display_width(text)
}

/// The text in lines of at most `width` columns: cut at blanks, else behind what divides a name, else anywhere.
pub(super) fn cut(text: &str, width: usize) -> Vec<String> {
    let options = options(width, WordSeparator::Custom(parts)).break_words(true);
    let lines = textwrap::wrap(text, options);
    lines.into_iter().map(|line| line.into_owned()).collect()
}

fn options<'a>(width: usize, separator: WordSeparator) -> Options<'a> {
    Options::new(width)
        .word_separator(separator)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit)
}

/// The words of a text, and the parts of names such as `a/b`, `name@host` and `2001:db8::1`.
fn parts(text: &str) -> Box<dyn Iterator<Item = textwrap::core::Word<'_>> + '_> {
    let mut rest = text;
    Box::new(std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let divides = |c: char| matches!(c, ' ' | '/' | '@' | ':' | '.' | ',' | '=');
        let end = rest.find(divides).unwrap_or(rest.len());
        let more = rest[end..].trim_start_matches(divides);
        let (part, more) = rest.split_at(rest.len() - more.len());
        rest = more;
        Some(textwrap::core::Word::from(part))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terminal(width: usize) -> Screen {
        Screen {
            width: Some(width),
            coloured: true,
            links: Some("mx".to_owned()),
        }
    }

    fn line(screen: &Screen, indent: usize, text: &str) -> String {
        let mut out = Vec::new();
        screen
            .line(&mut out, indent, text)
            .expect("a vector takes every byte");
        String::from_utf8(out).expect("it was text")
    }

    #[test]
    fn a_line_goes_on_below_and_no_word_is_cut() {
        let text = "ssl = yes  (etc/dovecot/conf.d/10-ssl.conf:3:7)";
        assert_eq!(
            line(&terminal(20), 2, text),
            "  ssl = yes\n    (etc/dovecot/conf.d/10-ssl.conf:3:7)\n"
        );
        assert_eq!(line(&Screen::default(), 2, text), format!("  {text}\n"));
    }

    #[test]
    fn what_stands_behind_something_is_folded_where_there_is_room() {
        let text = "set smtpd_tls_auth_only = yes in main.cf";
        assert_eq!(
            terminal(40).folded(text, 14),
            "set smtpd_tls_auth_only =\nyes in main.cf"
        );
        assert_eq!(terminal(40).folded(text, 20), text);
        assert_eq!(Screen::default().folded(text, 14), text);
    }

    #[test]
    fn colours_and_links_take_no_room() {
        let screen = terminal(12);
        let text = screen.link(Some("file://mx/etc/a"), &screen.paint(Tone::Bad, "one two"));
        assert_eq!(columns(&text), 7);
        assert_eq!(
            line(&screen, 0, &format!("{text} four")),
            format!("{text} four\n")
        );
        assert_eq!(Screen::default().link(Some("file://mx/etc/a"), "a"), "a");
        assert_eq!(Screen::default().paint(Tone::Bad, "a"), "a");
    }

    #[test]
    fn names_are_cut_behind_what_divides_them() {
        assert_eq!(
            cut("anna@mail.example.org", 12),
            ["anna@mail.", "example.org"]
        );
        assert_eq!(cut("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(cut("アリスさん", 4), ["アリ", "スさ", "ん"]);
        assert_eq!(cut("", 4), [""]);
    }
}
