//! A diagnostic: a finding as compilers show theirs, with the lines that decide it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use annotate_snippets::{
    Annotation, AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet, Title,
};

use crate::finding::{Finding, Fix};
use crate::rule::Severity;
use crate::source::{FileId, Sources, Span};

use super::link;
use super::plain::{plain, plain_path};
use super::screen::Screen;

/// Lines further apart than this are not shown in one piece.
const FARTHEST: usize = 400;

/// How many columns may stand before a help: those of the line numbers, and `   = help: `.
const BESIDE_HELP: usize = 16;

/// A line longer than this is not shown, only its place.
const LONGEST: usize = 2000;

/// The first line of a finding alone.
pub(super) fn title(finding: &Finding, screen: &Screen) -> String {
    renderer(screen).render(&[Group::with_title(headline(finding, screen))])
}

fn headline<'a>(finding: &'a Finding, screen: &Screen) -> Title<'a> {
    // `warning[rule]: ` stands before it.
    let before = finding.severity.word().len() + finding.rule.len() + 4;
    let title = level(finding)
        .primary_title(screen.folded(&plain(finding.message.as_bytes()), before))
        .id(&finding.rule);
    match link::rule(screen, &finding.rule) {
        Some(address) => title.id_url(address),
        None => title,
    }
}

const fn level(finding: &Finding) -> Level<'static> {
    match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    }
}

fn renderer(screen: &Screen) -> Renderer {
    let renderer = match screen.coloured {
        true => Renderer::styled(),
        false => Renderer::plain(),
    };
    let renderer = renderer.hyperlink(screen.links.is_some());
    match screen.width {
        Some(width) => renderer.term_width(width),
        None => renderer,
    }
}

/// The finding; where the sources are given and the command that shows the change to them, with both.
pub(super) fn diagnostic(
    finding: &Finding,
    seen: Option<(&Sources, &str)>,
    screen: &Screen,
) -> String {
    let title = headline(finding, screen);
    let sources = seen.map(|(sources, _)| sources);
    let change = seen.map(|(_, change)| change);
    // The renderer takes a link for a part of the name, and writes the place behind it.
    let name = |path: &Path| {
        let address = link::file(screen, path);
        screen.link(address.as_deref(), &plain_path(path))
    };
    let pieces = sources.map_or_else(Vec::new, |sources| pieces(finding, sources));
    let mut elements: Vec<Element<'_>> = Vec::new();
    if pieces.is_empty()
        && let Some(place) = &finding.place
    {
        let origin = Origin::path(name(&place.file))
            .line(place.line)
            .char_column(place.column);
        elements.push(origin.into());
    }
    // A finding that no line decides is shown at the first file of its server.
    if finding.place.is_none()
        && let Some(sources) = sources
        && let Some(file) = super::first_file(sources, finding)
    {
        elements.push(Origin::path(name(sources.shown_path(file))).into());
    }
    for piece in pieces {
        let path = name(&piece.path);
        elements.push(piece.snippet(path).into());
    }
    if let Some(releases) = &finding.releases {
        let text = format!("this holds for {releases}");
        elements.push(Level::NOTE.message(text).into());
    }
    let help = match (finding.fix, change) {
        (Fix::Safe, Some(command)) => {
            Some(screen.command(command, "shows the change", BESIDE_HELP))
        }
        (Fix::Unsafe, Some(command)) => Some(screen.command(
            &format!("{command} --unsafe-fixes"),
            "shows the change, which may shut somebody out",
            BESIDE_HELP,
        )),
        (Fix::Safe | Fix::Unsafe, None) | (Fix::None, _) => {
            let advice = finding
                .advice
                .as_ref()
                .map(|advice| plain(advice.as_bytes()));
            advice.map(|advice| screen.folded(&advice, BESIDE_HELP))
        }
    };
    if let Some(help) = help {
        elements.push(Level::HELP.message(help).into());
    }
    renderer(screen).render(&[title.elements(elements)])
}

/// A stretch of one file with places in it.
struct Piece {
    path: PathBuf,
    first_line: usize,
    text: String,
    /// Where the places are in the text; the first is the finding's own in the first piece.
    places: Vec<(Range<usize>, bool)>,
}

impl Piece {
    fn snippet(self, path: String) -> Snippet<'static, Annotation<'static>> {
        let annotations = self.places.into_iter().map(|(range, primary)| {
            if primary {
                AnnotationKind::Primary.span(range)
            } else {
                AnnotationKind::Context.span(range)
            }
        });
        Snippet::source(self.text)
            .path(path)
            .line_start(self.first_line)
            .annotations(annotations.collect::<Vec<_>>())
    }
}

/// The lines to show: those of the finding's own place first, then of what else decides, file by file.
fn pieces(finding: &Finding, sources: &Sources) -> Vec<Piece> {
    let trimmed = |span: Span| {
        let mut text = sources.text(span);
        // Of a heredoc the first line is enough. It may be long, and hold a key.
        if text.starts_with(b"<<") {
            let mut lines = text.split(|&byte| byte == b'\n');
            text = lines.next().unwrap_or_default();
        }
        let length = text.trim_ascii_end().len();
        Span::new(span.file, span.start, span.start + length)
    };
    let Some(own) = finding.span.map(trimmed) else {
        return Vec::new();
    };
    let mut by_file: BTreeMap<FileId, Vec<(Span, bool)>> = BTreeMap::new();
    by_file.entry(own.file).or_default().push((own, true));
    let deciders = finding.deciders.iter().copied().map(trimmed);
    for span in deciders.filter(|span| *span != own) {
        by_file.entry(span.file).or_default().push((span, false));
    }
    let mut files: Vec<Vec<(Span, bool)>> = by_file.into_values().collect();
    files.sort_by_key(|spans| !spans.iter().any(|(_, primary)| *primary));
    let mut pieces = Vec::new();
    for (index, spans) in files.into_iter().enumerate() {
        match piece(sources, &spans) {
            Some(piece) => pieces.push(piece),
            // Without its own lines a finding is shown by its place alone.
            None if index == 0 => return Vec::new(),
            None => {}
        }
    }
    pieces
}

/// The lines of one file from the first to the last place, or around the own place alone where they are far apart.
fn piece(sources: &Sources, spans: &[(Span, bool)]) -> Option<Piece> {
    let file = spans.first()?.0.file;
    let line_of = |span: &Span| sources.position(*span).line;
    let anchor = spans.iter().find(|(_, primary)| *primary);
    let anchor = line_of(&anchor.or(spans.first())?.0);
    let mut near: Vec<(Span, bool)> = spans
        .iter()
        .filter(|(span, _)| line_of(span).abs_diff(anchor) <= FARTHEST)
        .copied()
        .collect();
    near.sort();
    near.dedup_by_key(|(span, _)| *span);
    let start = near.iter().map(|(span, _)| span.start).min()?;
    let end = near.iter().map(|(span, _)| span.end).max()?;
    let shown = sources.whole_lines(Span::new(file, start, end));
    let lines = sources.text(shown);
    if lines
        .split(|&byte| byte == b'\n')
        .any(|line| line.len() > LONGEST)
    {
        return None;
    }
    let (text, places) = harmless(lines, shown.start, &near);
    Some(Piece {
        path: sources.shown_path(file).to_path_buf(),
        first_line: sources.position(shown).line,
        text,
        places,
    })
}

/// The lines as harmless text, and where the places are in that.
fn harmless(
    lines: &[u8],
    start: usize,
    spans: &[(Span, bool)],
) -> (String, Vec<(Range<usize>, bool)>) {
    let mut text = String::new();
    let mut moved: BTreeMap<usize, usize> = BTreeMap::new();
    let mut cuts: Vec<usize> = spans
        .iter()
        .flat_map(|(span, _)| [span.start - start, span.end - start])
        .chain([0, lines.len()])
        .collect();
    cuts.sort_unstable();
    cuts.dedup();
    for pair in cuts.windows(2) {
        let [from, to] = pair else { continue };
        moved.insert(*from, text.len());
        for part in lines[*from..*to].split_inclusive(|byte| matches!(byte, b'\n' | b'\t' | b'\r'))
        {
            let (body, end) = match part.split_last() {
                Some((b'\n', body)) => (body, "\n"),
                Some((b'\t', body)) => (body, "    "),
                // A carriage return is part of the line's end, or as good as a blank.
                Some((b'\r', body)) => (body, ""),
                Some(_) | None => (part, ""),
            };
            text.push_str(&plain(body));
            text.push_str(end);
        }
    }
    moved.insert(lines.len(), text.len());
    let place = |offset: usize| moved.get(&(offset - start)).copied().unwrap_or_default();
    let places = spans
        .iter()
        .map(|(span, primary)| (place(span.start)..place(span.end), *primary))
        .collect();
    (text, places)
}
