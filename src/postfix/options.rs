//! The arguments of a service, read as smtpd reads its command line.
//!
//! master cuts the line into words (master/master_ent.c: at blanks, since 3.0 with braces kept together), and the program
//! reads them with getopt (master/single_server.c), which stops at the first word that is no option.

use std::collections::HashSet;
use std::ops::Range;

use bstr::{BString, ByteSlice};

use super::line::{Line, is_space};
use super::main_cf::name_and_value;
use super::service::is_blank;
use crate::source::{Problem, Span};

/// The options of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The `-o name=value`, in order.
    pub overrides: Vec<Override>,
    /// What the program dies of.
    pub refused: Vec<Problem>,
}

/// `-o name=value`: a setting for one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// The name it sets.
    pub name: BString,
    /// The value, before `$` expansion.
    pub value: BString,
    /// From `-o` to the end of the value, with its braces.
    pub span: Span,
    /// Where the name stands.
    pub name_span: Span,
    /// Where the value stands; between two bytes where it is empty.
    pub value_span: Span,
    /// Whether no later `-o` of the service sets the same name.
    pub effective: bool,
}

/// One word of the command line.
pub(super) struct Argument {
    /// As written, in the text of the logical line.
    pub(super) raw: Range<usize>,
    /// Without the braces of a whole word in braces.
    pub(super) text: Range<usize>,
}

/// Cuts the text of a line from `start` on into arguments.
///
/// # Errors
/// Where master gives up, and what it says.
pub(super) fn split(
    line: &Line,
    start: usize,
    braces: bool,
) -> Result<Vec<Argument>, (usize, String)> {
    let text = line.text.as_slice();
    let mut arguments = Vec::new();
    let mut at = start;
    loop {
        at += text[at..].iter().take_while(|&&b| is_blank(b)).count();
        let from = at;
        let mut level = 0_usize;
        while let Some(&byte) = text.get(at) {
            match byte {
                b'{' if braces => level += 1,
                b'}' if level > 0 => level -= 1,
                _ if level == 0 && is_blank(byte) => break,
                _ => {}
            }
            at += 1;
        }
        if at == from {
            return Ok(arguments);
        }
        let mut inside = from..at;
        if braces && text[from] == b'{' {
            let shown = || text[from..at].as_bstr();
            let close = closing_brace(&text[from..at])
                .ok_or_else(|| (from, format!("missing '}}' in \"{}\"", shown())))?;
            if from + close + 1 != at {
                return Err((from, format!("syntax error after '}}' in \"{}\"", shown())));
            }
            inside = from + 1..from + close;
            while inside.end > inside.start && is_space(text[inside.end - 1]) {
                inside.end -= 1;
            }
            while inside.start < inside.end && is_space(text[inside.start]) {
                inside.start += 1;
            }
        }
        arguments.push(Argument {
            raw: from..at,
            text: inside,
        });
    }
}

/// The offset of the `}` that belongs to the `{` at the start of `text`.
fn closing_brace(text: &[u8]) -> Option<usize> {
    let mut level = 0_usize;
    text.iter().position(|&byte| {
        match byte {
            b'{' => level += 1,
            b'}' => level = level.saturating_sub(1),
            _ => {}
        }
        level == 0
    })
}

impl Options {
    /// Reads arguments as getopt does with the option letters of single_server.c (3.2 to 3.11).
    pub(super) fn read(line: &Line, arguments: &[Argument]) -> Self {
        let mut options = Self::default();
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let text = &line.text[word.text.clone()];
            let is_option = text.len() > 1 && text.first() == Some(&b'-');
            if !is_option || text == b"--" {
                let stray = if text == b"--" {
                    words.next()
                } else {
                    Some(word)
                };
                if let Some(stray) = stray {
                    options.refuse(
                        line,
                        &stray.raw,
                        format!(
                            "unexpected command-line argument: {}",
                            line.text[stray.text.clone()].as_bstr()
                        ),
                    );
                }
                break;
            }
            for (index, &letter) in text.iter().enumerate().skip(1) {
                match letter {
                    b'c' | b'd' | b'D' | b'l' | b'S' | b'u' | b'v' | b'V' | b'z' => {}
                    b'i' | b'm' | b'n' | b'o' | b'r' | b's' | b't' => {
                        let here = word.text.start + index + 1..word.text.end;
                        let value = if here.is_empty() {
                            words.next().map(|word| (word.text.clone(), word.raw.end))
                        } else {
                            Some((here, word.raw.end))
                        };
                        match value {
                            Some((value, end)) if letter == b'o' => {
                                options.setting(line, word.raw.start..end, value);
                            }
                            Some(_) => {}
                            None => options.refuse(
                                line,
                                &word.raw,
                                format!("invalid option: {}", char::from(letter)),
                            ),
                        }
                        break;
                    }
                    _ => {
                        options.refuse(
                            line,
                            &word.raw,
                            format!("invalid option: {}", char::from(letter)),
                        );
                        break;
                    }
                }
            }
        }
        let mut later = HashSet::new();
        for option in options.overrides.iter_mut().rev() {
            option.effective = later.insert(option.name.clone());
        }
        options
    }

    /// Takes `-o` with its `name=value`.
    fn setting(&mut self, line: &Line, whole: Range<usize>, text: Range<usize>) {
        let value = &line.text[text.clone()];
        let Some((name, setting)) = name_and_value(value) else {
            let message = format!(
                "invalid \"-o {}\" option value: missing '=' or name",
                value.as_bstr()
            );
            self.refuse(line, &whole, message);
            return;
        };
        let span_of =
            |part: &Range<usize>| line.span_of(text.start + part.start, text.start + part.end);
        self.overrides.push(Override {
            name: value[name.clone()].into(),
            value: value[setting.clone()].into(),
            span: line.span_of(whole.start, whole.end),
            name_span: span_of(&name),
            value_span: span_of(&setting),
            effective: true,
        });
    }

    fn refuse(&mut self, line: &Line, place: &Range<usize>, message: String) {
        self.refused.push(Problem {
            span: line.span_of(place.start, place.end),
            message,
        });
    }

    /// What is wrong, in words for a reader of master.cf.
    pub(super) fn problems(&self) -> impl Iterator<Item = Problem> {
        self.refused.iter().map(|problem| Problem {
            span: problem.span,
            message: format!("the program dies of this: {}", problem.message),
        })
    }
}
