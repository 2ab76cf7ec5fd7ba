//! A format, and what has to hold for every document in it: it is read as those read it whom it is for.

use std::collections::{BTreeMap, BTreeSet};

use pulldown_cmark::{Event, Options, Parser, Tag};

/// Nothing that moves a cursor, turns text around, hides in it, or is a command to a workflow.
pub(crate) fn is_plain(format: &str, text: &str) {
    // Lines of CSV end as RFC 4180 says, and a diff in Markdown keeps its tabs.
    let text = match format {
        "csv" => text.replace("\r\n", "\n"),
        "markdown" => text.replace('\t', " "),
        _ => text.to_owned(),
    };
    let bad = text.chars().find(|c| {
        c.is_control() && *c != '\n'
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
    });
    if let Some(bad) = bad {
        panic!("{format}: {bad:?} in {text}");
    }
    if format != "github" {
        assert_eq!(commands(&text), Vec::<Command<'_>>::new(), "{format}");
    }
}

/// A command to a workflow: its name, its properties and its message.
type Command<'a> = (&'a str, BTreeMap<&'a str, &'a str>, &'a str);

/// The commands in a text, found as the runner does (actions/runner, ActionCommand.cs).
fn commands(text: &str) -> Vec<Command<'_>> {
    let mut found = Vec::new();
    for line in text.lines() {
        if let Some((info, message)) = line
            .trim_start()
            .strip_prefix("::")
            .and_then(|rest| rest.split_once("::"))
        {
            let (name, properties) = info.split_once(' ').unwrap_or((info, ""));
            if name.chars().all(|c| c.is_ascii_alphabetic() || c == '-') {
                let properties = properties.split(',').filter_map(|one| one.split_once('='));
                found.push((name, properties.collect(), message));
                continue;
            }
        }
        if let Some((_, rest)) = line.split_once("##[") {
            found.push(("##", BTreeMap::new(), rest));
        }
    }
    found
}

/// Annotations: nothing but ours, one a line, and a last line that counts them.
pub(crate) fn github(text: &str) {
    let commands = commands(text);
    assert!(commands.len() > 3, "{text}");
    assert_eq!(commands.len() + 1, text.lines().count(), "{text}");
    for (name, properties, message) in commands {
        assert!(matches!(name, "error" | "warning" | "notice"), "{name}");
        let names: Vec<&str> = properties.keys().copied().collect();
        assert!(
            matches!(
                names[..],
                ["col", "file", "line", "title"] | ["file", "title"] | ["title"]
            ),
            "{properties:?}"
        );
        let is_rule = |c: char| c.is_ascii_lowercase() || c == '-';
        assert!(properties["title"].chars().all(is_rule), "{properties:?}");
        for number in ["line", "col"] {
            let number = properties.get(number);
            assert!(number.is_none_or(|number| number.parse::<u32>().is_ok()));
        }
        assert!(!message.is_empty());
    }
}

/// The files of the annotations, as the runner reads them (actions/runner, ActionCommand.cs, `_escapePropertyMappings`).
pub(crate) fn annotated(text: &str) -> BTreeSet<String> {
    let files = commands(text).into_iter();
    files
        .filter_map(|(_, properties, _)| properties.get("file").copied())
        .map(|file| {
            let escapes = [
                ("%0D", "\r"),
                ("%0A", "\n"),
                ("%3A", ":"),
                ("%2C", ","),
                ("%25", "%"),
            ];
            let told = |text: String, (escaped, meant): (&str, &str)| text.replace(escaped, meant);
            escapes.into_iter().fold(file.to_owned(), told)
        })
        .collect()
}

/// JSON of any kind.
pub(crate) fn json(text: &str) -> serde_json::Value {
    let document = serde_json::from_str(text);
    document.unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// A page with nothing in it but our own elements, of which none acts.
pub(crate) fn html(text: &str) {
    const OURS: [&str; 46] = [
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "a",
        "header",
        "h1",
        "bdi",
        "main",
        "section",
        "strong",
        "ul",
        "li",
        "p",
        "nav",
        "h2",
        "h3",
        "div",
        "table",
        "caption",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "span",
        "br",
        "pre",
        "code",
        "ins",
        "del",
        "figure",
        "figcaption",
        "svg",
        "rect",
        "text",
        "footer",
        "script",
        "title",
        "details",
        "summary",
        "small",
        "g",
        "path",
    ];
    let mut scripts = 0;
    for token in html5gum::Tokenizer::new(text).flatten() {
        match token {
            html5gum::Token::StartTag(tag) => {
                let name = String::from_utf8_lossy(&tag.name).into_owned();
                assert!(OURS.contains(&name.as_str()), "<{name}>");
                scripts += usize::from(name == "script");
                for (attribute, value) in &tag.attributes {
                    let attribute = String::from_utf8_lossy(attribute);
                    assert!(
                        !attribute.starts_with("on") && attribute != "src",
                        "{tag:?}"
                    );
                    assert!(attribute != "href" || value.starts_with(b"#"), "{tag:?}");
                    let rows = value.strip_prefix(b"--rows:").unwrap_or(b"x");
                    assert!(
                        attribute != "style" || rows.iter().all(u8::is_ascii_digit),
                        "{tag:?}"
                    );
                }
            }
            html5gum::Token::EndTag(_)
            | html5gum::Token::String(_)
            | html5gum::Token::Doctype(_) => {}
            html5gum::Token::Comment(comment) => panic!("a comment: {comment:?}"),
            html5gum::Token::Error(error) => panic!("{error:?}"),
        }
    }
    assert_eq!(scripts, 1, "only our own");
}

/// XML with nothing in it but what belongs into JUnit's.
pub(crate) fn junit(text: &str) {
    let document = roxmltree::Document::parse(text);
    let document = document.unwrap_or_else(|error| panic!("{error}: {text}"));
    for node in document.descendants() {
        assert!(!node.is_comment() && !node.is_pi(), "{node:?}");
        if node.is_element() {
            let attributes: &[&str] = match node.tag_name().name() {
                "testsuites" => &["name"],
                "testsuite" => &["name", "tests", "failures", "errors", "skipped"],
                "testcase" => &["classname", "name"],
                "failure" => &["message", "type"],
                "skipped" => &["message"],
                "system-out" => &[],
                other => panic!("<{other}>"),
            };
            for attribute in node.attributes() {
                assert!(attributes.contains(&attribute.name()), "{attribute:?}");
            }
        }
    }
}

/// Markdown without links, pictures, or HTML; the rows of its tables as texts of their cells.
pub(crate) fn markdown(text: &str) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut in_code = false;
    for event in Parser::new_ext(text, options) {
        match event {
            Event::Start(
                Tag::Link { .. } | Tag::Image { .. } | Tag::HtmlBlock | Tag::Strikethrough,
            )
            | Event::Html(_)
            | Event::InlineHtml(_)
            | Event::TaskListMarker(_) => panic!("{event:?} in {text}"),
            Event::Start(Tag::TableRow) => rows.push(Vec::new()),
            Event::Start(Tag::TableCell) => {
                if let Some(row) = rows.last_mut() {
                    row.push(String::new());
                }
            }
            Event::Start(Tag::CodeBlock(_)) => in_code = true,
            Event::End(pulldown_cmark::TagEnd::CodeBlock) => in_code = false,
            Event::Text(words) => {
                // GitHub makes links of these without being asked, so they are not in the source as they are.
                for link in ["https://", "http://", "www."] {
                    let source = text
                        .lines()
                        .any(|line| line.contains(link) && line.contains(&*words));
                    assert!(in_code || !words.contains(link) || !source, "{words}");
                }
                if let Some(cell) = rows.last_mut().and_then(|row| row.last_mut()) {
                    cell.push_str(&words);
                }
            }
            Event::Code(words) => {
                if let Some(cell) = rows.last_mut().and_then(|row| row.last_mut()) {
                    cell.push_str(&words);
                }
            }
            _ => {}
        }
    }
    rows
}

/// A table of which no cell is a formula to a spreadsheet; its rows.
pub(crate) fn csv(text: &str) -> Vec<csv::StringRecord> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows = reader.records().collect::<Result<Vec<_>, _>>();
    let rows = rows.unwrap_or_else(|error| panic!("{error}: {text}"));
    for cell in rows.iter().flatten() {
        let first = cell.trim_start().chars().next();
        assert!(
            !matches!(
                first,
                Some('=' | '+' | '-' | '@' | '\u{ff1d}' | '\u{ff0b}' | '\u{ff0d}' | '\u{ff20}')
            ),
            "{cell}"
        );
        assert!(!cell.starts_with(['\t', '\r']), "{cell:?}");
    }
    rows
}
