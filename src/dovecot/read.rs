//! A reading: files and includes from the first line to the last, as the daemon meets them.
//!
//! It makes the entries of [`File`]s, the scopes and the assignments of a [`Config`]. Nothing stops it: what the daemon
//! would refuse is noted, and the next line is read.
//! Source: config_parse_file and config_parser_apply_line in src/config/config-parser.c, 2.3.19.1 and 2.4.1.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use bstr::{BString, ByteSlice};

use crate::source::{FileId, Problem, ReadError, Sources, Span};

use super::check;
use super::file::{Entry, EntryKind, File};
use super::include;
use super::line::{self, Form, Physical, ValueKind};
use super::names;
use super::old;
use super::scope::{self, Net, Scope, ScopeId, Section};
use super::variable::{self, Meaning};
use super::{Assignment, Config, Family, GroupUse, Unread, lookup};

/// How deep files may include files, and sections may stand in sections. The daemons know no bound but memory.
const DEEPEST: usize = 64;
/// How many files are read, counting each inclusion.
const MOST_FILES: usize = 4096;

/// Whether the first setting of a file is the header that 2.4 wants there.
pub(super) fn first_is_header(sources: &mut Sources, file: &Path) -> bool {
    let Ok(id) = sources.read(file) else {
        return false;
    };
    for line in sources.bytes(id).split(|&c| c == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if let Physical::Whole(range) = line::physical(line, Family::V24).line {
            return match line::form(&line[range.clone()], Family::V24) {
                Form::Setting { key, .. } => line[range.start + key.start..range.start + key.end]
                    .eq(b"dovecot_config_version"),
                Form::Open { .. }
                | Form::Group { .. }
                | Form::Close
                | Form::Include { .. }
                | Form::Wrong(_) => false,
            };
        }
    }
    false
}

/// Reads a tree in the language of `family`.
pub(super) fn read(sources: &mut Sources, file: &Path, family: Family) -> Config {
    let mut reader = Reader {
        config: Config {
            family,
            scopes: vec![Scope {
                parent: None,
                section: None,
                opened: None,
            }],
            ..Config::default()
        },
        sources,
        family,
        open: Vec::new(),
        inputs: Vec::new(),
        pending: Joined::default(),
        children: HashMap::new(),
        current: HashMap::new(),
        entries: HashMap::new(),
        started: 0,
        depth: 0,
        unnamed: 0,
        header_missed: false,
        hidden: false,
    };
    if reader.sources.tree().is_directory(file) {
        // A folder of parts without its dovecot.conf, read as `!include *.conf` would.
        reader.config.partial = true;
        let mut pattern = file.as_os_str().as_encoded_bytes().to_vec();
        pattern.extend_from_slice(b"/*.conf");
        let parts = include::matches(&pattern, reader.sources.tree());
        for part in parts.into_iter().rev() {
            if let Ok(id) = reader.sources.read(&part) {
                reader.start(id);
            }
        }
    } else {
        match reader.sources.read(file) {
            Ok(id) => reader.start(id),
            Err(error) => {
                let id = reader.sources.add(file, Vec::new());
                reader.refuse(Span::new(id, 0, 0), format!("cannot be read: {error}"));
            }
        }
        let named = file.file_name().is_some_and(|name| name == "dovecot.conf");
        let dumped = reader
            .inputs
            .last()
            .is_some_and(|input| input.bytes.starts_with(b"# 2."));
        reader.config.partial = !named && !dumped;
    }
    reader.run();
    reader.finish()
}

/// A file that is being read.
struct Input {
    file: FileId,
    bytes: Rc<[u8]>,
    /// The next byte.
    at: usize,
    /// Where the entry under way starts.
    entry_start: usize,
    /// Whether this is the file's first reading, which makes its entries.
    first: bool,
    /// How many files include it, one inside of the other.
    depth: usize,
}

/// A section that is open.
struct OpenSection {
    scope: ScopeId,
    kind: OpenKind,
    span: Span,
}

#[derive(PartialEq, Eq)]
enum OpenKind {
    Section,
    /// The entries of this list stand in it (2.4).
    List(BString),
    /// `auth default {` of 1.x: its settings lack their prefix.
    OldAuth,
    /// Nested beyond measure.
    TooDeep,
}

/// The text of a line with the lines it continues, and where its pieces come from.
#[derive(Default)]
struct Joined {
    text: Vec<u8>,
    pieces: Vec<Piece>,
}

#[derive(Clone, Copy)]
struct Piece {
    /// Where it starts in the joined text.
    start: usize,
    file: FileId,
    /// Where it starts in the file.
    offset: usize,
}

impl Joined {
    fn push(&mut self, text: &[u8], file: FileId, offset: usize) {
        let start = self.text.len();
        self.pieces.push(Piece {
            start,
            file,
            offset,
        });
        self.text.extend_from_slice(text);
    }

    /// Where a range of the joined text stands; a range over two files is shown by its end.
    fn span(&self, start: usize, end: usize) -> Span {
        let place = |at: usize| {
            let after = self.pieces.partition_point(|piece| piece.start <= at);
            let piece = self.pieces[after.saturating_sub(1)];
            (piece.file, piece.offset + (at - piece.start))
        };
        let (first, from) = place(start);
        let (file, to) = if start == end {
            (first, from)
        } else {
            let (file, last) = place(end - 1);
            (file, last + 1)
        };
        Span::new(file, if file == first { from } else { to }, to)
    }
}

struct Reader<'a> {
    sources: &'a mut Sources,
    family: Family,
    config: Config,
    open: Vec<OpenSection>,
    inputs: Vec<Input>,
    pending: Joined,
    children: HashMap<(ScopeId, Section), ScopeId>,
    /// The last assignment of each setting in each scope so far, which variables stand for.
    current: HashMap<(ScopeId, BString), usize>,
    /// Where a file's entries are.
    entries: HashMap<FileId, usize>,
    started: usize,
    /// The depth of the file under way.
    depth: usize,
    unnamed: usize,
    /// It was said that the header is missing.
    header_missed: bool,
    /// The line under way hides its value.
    hidden: bool,
}

impl Reader<'_> {
    fn start(&mut self, file: FileId) {
        self.started += 1;
        let first = !self.entries.contains_key(&file);
        if first {
            self.entries.insert(file, self.config.files.len());
            self.config.files.push(File {
                file,
                entries: Vec::new(),
            });
        }
        if let Some(name) = self.sources.daemon_path(file).file_name() {
            self.config
                .read_names
                .push(name.to_string_lossy().into_owned());
        }
        self.inputs.push(Input {
            file,
            depth: self.depth + 1,
            bytes: self.sources.bytes(file).into(),
            at: 0,
            entry_start: 0,
            first,
        });
    }

    fn run(&mut self) {
        while let Some(input) = self.inputs.last_mut() {
            if input.at == input.bytes.len() {
                self.end_of_file();
                continue;
            }
            self.depth = input.depth;
            let bytes = Rc::clone(&input.bytes);
            let (file, start) = (input.file, input.at);
            let newline = memchr::memchr(b'\n', &bytes[start..]);
            let end = newline.map_or(bytes.len(), |at| start + at + 1);
            input.at = end;
            let line = &bytes[start..newline.map_or(end, |_| end - 1)];
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let cut = line::physical(line, self.family);
            if let Some(at) = cut.ambiguous {
                let span = Span::new(file, start + at, start + at + 1);
                self.note(
                    span,
                    "\"#\" without a space before it starts a comment here".into(),
                );
            }
            // What doveconf -n prints instead of a key or a password, if -P is not given.
            self.hidden = line.contains_str("# hidden, use -P to show it");
            match cut.line {
                Physical::Blank => self.skip(start, end, EntryKind::Blank),
                Physical::Comment => {
                    self.written_by(line);
                    self.skip(start, end, EntryKind::Comment);
                }
                Physical::Continued(range) => {
                    self.config
                        .continued
                        .get_or_insert(Span::new(file, start, end));
                    if !range.is_empty() {
                        self.pending
                            .push(&line[range.clone()], file, start + range.start);
                        self.pending.text.push(b' ');
                    }
                }
                Physical::Whole(range) => {
                    let mut text = std::mem::take(&mut self.pending);
                    text.push(&line[range.clone()], file, start + range.start);
                    self.statement(&text, end);
                }
            }
        }
    }

    /// A blank line or a comment: it throws away what a `\` before it wanted to continue.
    fn skip(&mut self, start: usize, end: usize, kind: EntryKind) {
        self.close_lost(start);
        self.pending = Joined::default();
        self.entry(end, kind);
    }

    fn close_lost(&mut self, start: usize) {
        let Some(input) = self.inputs.last() else {
            return;
        };
        if input.entry_start < start {
            let span = Span::new(input.file, input.entry_start, start);
            self.note(
                span,
                "the \"\\\" at the end is followed by a blank line or a comment, so this setting is lost".into(),
            );
            self.entry(start, EntryKind::Lost);
        }
    }

    fn end_of_file(&mut self) {
        let Some(input) = self.inputs.last() else {
            return;
        };
        let (file, from, end) = (input.file, input.entry_start, input.bytes.len());
        if from < end {
            if self.inputs.len() > 1 {
                self.entry(end, EntryKind::Carried);
                let span = Span::new(file, from, end);
                self.note(span, "the \"\\\" at the end of this file joins the line with the next one of the including file".into());
            } else {
                self.entry(end, EntryKind::Lost);
                let span = Span::new(file, from, end);
                self.note(
                    span,
                    "the \"\\\" at the end is followed by nothing, so this setting is lost".into(),
                );
            }
        }
        self.inputs.pop();
    }

    /// Ends the entry under way at `end`.
    fn entry(&mut self, end: usize, kind: EntryKind) {
        let scope = self.scope();
        let Some(input) = self.inputs.last_mut() else {
            return;
        };
        let span = Span::new(input.file, input.entry_start, end);
        input.entry_start = end;
        if input.first
            && let Some(file) = self
                .entries
                .get(&input.file)
                .and_then(|&at| self.config.files.get_mut(at))
        {
            file.entries.push(Entry { span, scope, kind });
        }
    }

    fn scope(&self) -> ScopeId {
        self.open.last().map_or(ScopeId::GLOBAL, |open| open.scope)
    }

    fn note(&mut self, span: Span, message: String) {
        self.config.problems.push(Problem { span, message });
    }

    fn refuse(&mut self, span: Span, message: String) {
        self.config.refusals.push(Problem {
            span,
            message: message.clone(),
        });
        self.note(span, message);
    }

    /// `# 2.3.19.1 (9b53102964): /etc/dovecot/dovecot.conf` heads what doveconf -n prints.
    fn written_by(&mut self, line: &[u8]) {
        let first = self.inputs.len() == 1 && self.config.assignments.is_empty();
        if first
            && self.config.written_by.is_none()
            && let Some(rest) = line.strip_prefix(b"# ")
            && rest.first().is_some_and(u8::is_ascii_digit)
            && rest.contains_str("): /")
            && let Ok(rest) = rest.to_str()
        {
            self.config.written_by = rest.parse().ok();
        }
    }

    fn statement(&mut self, text: &Joined, end: usize) {
        let form = line::form(&text.text, self.family);
        let kind = match &form {
            Form::Setting { .. } => EntryKind::Setting,
            Form::Open { .. } | Form::Group { .. } => EntryKind::Open,
            Form::Close => EntryKind::Close,
            Form::Include { .. } => EntryKind::Include,
            Form::Wrong(_) => EntryKind::Wrong,
        };
        self.entry(end, kind);
        let whole = text.span(0, text.text.len());
        let key = match &form {
            Form::Setting { key, .. } => &text.text[key.clone()],
            Form::Open { .. } | Form::Group { .. } | Form::Close | Form::Include { .. } => {
                b"".as_slice()
            }
            Form::Wrong(why) => {
                self.refuse(whole, (*why).into());
                return;
            }
        };
        if self.family == Family::V24
            && !self.config.partial
            && key != b"dovecot_config_version"
            && self.config.config_version.is_none()
        {
            // Said once: the rest of the file is read as if the header were there.
            if !self.header_missed {
                self.header_missed = true;
                self.refuse(whole, check::NO_HEADER.into());
            }
        }
        match form {
            Form::Setting { key, value, kind } => self.setting(text, end, key, value, kind),
            Form::Open { key, name, quoted } => {
                let shown = &text.text[name];
                let name = if quoted {
                    line::unescape(shown)
                } else {
                    shown.to_vec()
                };
                self.open(whole, &text.text[key], name, quoted);
            }
            Form::Group { label, name } => {
                let label: BString = text.text[label].into();
                let section = Section::Group {
                    label: label.strip_prefix(b"@").unwrap_or(&label).into(),
                    name: text.text[name].into(),
                };
                self.enter(whole, section);
            }
            Form::Close => {
                if self.open.pop().is_none() {
                    self.refuse(whole, "unexpected \"}\"".into());
                }
            }
            Form::Include { pattern, try_ } => {
                let span = text.span(pattern.start, pattern.end);
                self.include(&text.text[pattern], span, try_);
            }
            Form::Wrong(_) => {}
        }
    }

    fn setting(
        &mut self,
        text: &Joined,
        end: usize,
        key: std::ops::Range<usize>,
        value: std::ops::Range<usize>,
        kind: ValueKind,
    ) {
        let key_span = text.span(key.start, key.end);
        let value_span = text.span(value.start, value.end);
        let mut span = text.span(0, text.text.len());
        if let Some(entry) = self.inputs.last().filter(|input| input.file == span.file) {
            // Whole lines, from the first continued one on.
            let bytes = &entry.bytes;
            let line_start = memchr::memrchr(b'\n', &bytes[..span.start.min(bytes.len())]);
            span = Span::new(span.file, line_start.map_or(0, |at| at + 1), end);
        }
        let scope = self.scope();
        let around = self.config.path(scope);
        let raw = &text.text[value];
        let key = &text.text[key];
        let assignment = |key: &[u8], kind: ValueKind, raw: &[u8], scope: ScopeId| Assignment {
            key: key.into(),
            name: BString::default(),
            item: None,
            key_span,
            value_span,
            kind,
            span,
            scope,
            text: raw.into(),
            file: (kind == ValueKind::File).then(|| raw.into()),
            unknown: None,
            translated: false,
        };
        match self.open.last().map(|open| &open.kind) {
            Some(OpenKind::TooDeep) => return,
            Some(OpenKind::List(list)) => {
                let list = list.clone();
                let mut entry = assignment(key, kind, raw, scope);
                entry.item = Some(key.into());
                return self.assign(entry, list, &around);
            }
            Some(OpenKind::OldAuth) => {
                let mut long = b"auth_".to_vec();
                long.extend_from_slice(key.strip_prefix(b"auth_").unwrap_or(key));
                let entry = assignment(&long, kind, raw, scope);
                return self.assign(entry, long.into(), &[]);
            }
            Some(OpenKind::Section) | None => {}
        }
        match (self.family, key) {
            (Family::V24, [b'@', label @ ..]) => {
                self.config.group_uses.push(GroupUse {
                    scope,
                    label: label.into(),
                    name: raw.into(),
                    span,
                });
                return;
            }
            (Family::V24, b"dovecot_config_version") => {
                let mut entry = assignment(key, kind, raw, scope);
                entry.name = key.into();
                if kind == ValueKind::Quoted {
                    entry.text = line::unescape(raw).into();
                }
                self.header(&entry.text, value_span);
                self.config.assignments.push(entry);
                return;
            }
            (Family::V23, _)
                if around.iter().all(Section::is_filter)
                    && matches!(kind, ValueKind::Plain | ValueKind::Quoted) =>
            {
                let value = if kind == ValueKind::Quoted {
                    line::unescape(raw)
                } else {
                    raw.to_vec()
                };
                if let Some(meant) = old::meaning(key, &value, &around) {
                    for meant in meant {
                        let scope = meant.listener.map_or(scope, |(service, listener)| {
                            let service =
                                self.child(ScopeId::GLOBAL, Section::Service(service.into()), None);
                            self.child(service, Section::Listener(listener.into()), None)
                        });
                        let mut entry = assignment(key, meant.kind, &meant.value, scope);
                        let around = self.config.path(scope);
                        entry.translated = meant.key.as_bytes() != key || meant.value != *value;
                        let name = names::newest(meant.key.as_bytes(), &around);
                        self.assign(entry, name, &around);
                    }
                    return;
                }
            }
            (Family::V23 | Family::V24, _) => {}
        }
        let name = names::newest(key, &around);
        let mut entry = assignment(key, kind, raw, scope);
        if self.family == Family::V24
            && matches!(around.last(), Some(Section::SslServer))
            && name.starts_with(b"ssl_server_")
        {
            // The prefixed settings of a named section are settings of the scope around it.
            entry.scope = self.config.scopes[scope.index()]
                .parent
                .unwrap_or(ScopeId::GLOBAL);
        }
        self.assign(entry, name, &around);
    }

    /// Takes an assignment, its value unquoted, expanded and checked.
    fn assign(&mut self, mut entry: Assignment, name: BString, around: &[Section]) {
        entry.name = name;
        if self.hidden && entry.text.is_empty() {
            entry.unknown = Some("what this output of doveconf hides".into());
        }
        match entry.kind {
            ValueKind::Plain => {}
            ValueKind::Quoted if entry.translated => {}
            ValueKind::Quoted => entry.text = line::unescape(&entry.text).into(),
            ValueKind::File if check::is_path(&entry.name) => {}
            ValueKind::File => self.read_value(&mut entry),
            ValueKind::Variable => {
                let expanded = variable::expand(&entry.text, self.family, |wanted| {
                    self.variable(&entry, wanted, around)
                });
                match expanded {
                    Ok(expanded) => {
                        entry.text = expanded.text.into();
                        entry.unknown = expanded.unknown;
                    }
                    Err(why) => return self.refuse(entry.value_span, why),
                }
            }
        }
        let complaint = check::complaint(&entry, around, self.family);
        let refused = complaint.is_some();
        if let Some((span, why)) = complaint {
            self.refuse(span, why);
        }
        let at = self.config.assignments.len();
        if !refused && entry.item.is_none() {
            self.current.insert((entry.scope, entry.name.clone()), at);
        }
        self.config.assignments.push(entry);
    }

    /// `key = <file`: the file's content, its last newline included.
    fn read_value(&mut self, entry: &mut Assignment) {
        let path = self.relative(&entry.text);
        if !check::is_known(&entry.name, self.family) {
            entry.unknown = Some(format!("what {} holds", path.display()));
            return;
        }
        match self.sources.tree().read(&path) {
            Ok(bytes) => entry.text = bytes.into(),
            Err(ReadError::Missing) if self.sources.tree().covers(&path) => {
                entry.unknown = Some(format!("what {} holds", path.display()));
                self.note(
                    entry.value_span,
                    format!("can't open file {}: no such file", path.display()),
                );
            }
            Err(_) => entry.unknown = Some(format!("what {} holds", path.display())),
        }
    }

    /// What `$name` stands for: the setting's value in this scope; in its own scope or those around it if a setting
    /// names itself; what is built in otherwise (config_get_value).
    fn variable(&self, entry: &Assignment, wanted: &[u8], around: &[Section]) -> Meaning {
        let name = names::newest(wanted, around);
        if names::is_list(&name, self.family) {
            return Meaning::Refused(format!(
                "Failed to expand $SET:{}: Setting type can't be expanded to string",
                wanted.as_bstr()
            ));
        }
        let mut scope = Some(entry.scope);
        while let Some(at) = scope {
            if let Some(&found) = self.current.get(&(at, name.clone())) {
                let found = &self.config.assignments[found];
                return match &found.unknown {
                    Some(unknown) => Meaning::Unknown(unknown.clone()),
                    None => Meaning::Text(check::exported(&found.text, &name)),
                };
            }
            if wanted != entry.key.as_slice() {
                break;
            }
            scope = self.config.scopes[at.index()].parent;
        }
        match names::built_in(&name.to_string(), self.family) {
            Some(("imap pop3 lmtp", _)) => Meaning::Unknown(
                "which protocols are built in (Debian's packages: none; others: imap pop3 lmtp)"
                    .into(),
            ),
            Some((text, _)) => Meaning::Text(text.into()),
            None if check::is_known(&name, self.family) => {
                Meaning::Unknown(format!("what is built in for {}", wanted.as_bstr()))
            }
            None => Meaning::Refused(format!("Unknown variable: ${}", wanted.as_bstr())),
        }
    }

    fn header(&mut self, value: &[u8], span: Span) {
        let version = value.to_str().ok().and_then(|text| text.parse().ok());
        match (self.config.config_version, version) {
            (_, None) => self.refuse(span, "Invalid dovecot_config_version".into()),
            (Some(first), Some(again)) if first != again => {
                self.refuse(
                    span,
                    "dovecot_config_version value can't be changed once set".into(),
                );
            }
            (Some(_) | None, version) => self.config.config_version = version,
        }
    }

    fn open(&mut self, span: Span, key: &[u8], name: Vec<u8>, quoted: bool) {
        let around = self.config.path(self.scope());
        let inside = self.open.last().map(|open| &open.kind);
        if inside == Some(&OpenKind::OldAuth)
            || self.family == Family::V23 && key == b"auth" && around.is_empty()
        {
            let outermost = inside != Some(&OpenKind::OldAuth);
            let scope = self.scope();
            if outermost {
                self.push(scope, OpenKind::OldAuth, span);
            } else {
                self.enter(
                    span,
                    Section::Other {
                        key: key.into(),
                        name: name.into(),
                    },
                );
            }
            return;
        }
        let listed = names::newest(key, &around);
        if names::is_list(&listed, self.family) {
            let scope = self.scope();
            return self.push(scope, OpenKind::List(listed), span);
        }
        let in_service = matches!(around.last(), Some(Section::Service(_)));
        let section = match key {
            b"protocol" if self.family == Family::V23 || !in_service => {
                let negated = name.first() == Some(&b'!');
                let name: BString = name.strip_prefix(b"!").unwrap_or(&name).into();
                let old = self.family == Family::V23 && name == "managesieve";
                Section::Protocol {
                    name: if old { "sieve".into() } else { name },
                    negated,
                }
            }
            b"local" => Section::Local(Net::parse(name.as_bstr())),
            b"remote" => Section::Remote(Net::parse(name.as_bstr())),
            b"local_name" => Section::LocalName(name.to_ascii_lowercase().into()),
            b"service" => Section::Service(name.into()),
            b"inet_listener" if in_service => Section::Listener(if name.is_empty() {
                self.unnamed += 1;
                format!("#{}", self.unnamed).into()
            } else {
                name.into()
            }),
            b"ssl_server" if self.family == Family::V24 => {
                if !name.is_empty() || quoted {
                    self.refuse(span, "ssl_server { } must not have a section name".into());
                }
                Section::SslServer
            }
            _ => {
                if let Some(why) = check::unknown_section(key, &around, self.family) {
                    self.refuse(span, why);
                }
                Section::Other {
                    key: key.into(),
                    name: name.into(),
                }
            }
        };
        self.enter(span, section);
    }

    fn enter(&mut self, span: Span, section: Section) {
        let scope = self.scope();
        if self.open.len() >= DEEPEST {
            self.note(
                span,
                format!("more than {DEEPEST} sections inside of each other are not read"),
            );
            return self.push(scope, OpenKind::TooDeep, span);
        }
        let around = self.config.path(scope);
        if let Some(why) = scope::misplaced(&section, &around, self.family) {
            self.refuse(span, why);
        }
        if let Section::Local(net) | Section::Remote(net) = &section
            && net.range.is_none()
        {
            let message = format!(
                "\"{}\" is looked up by name when the daemon starts, so it is not known here",
                net.text
            );
            self.note(span, message);
        }
        let scope = self.child(scope, section, Some(span));
        self.push(scope, OpenKind::Section, span);
    }

    fn push(&mut self, scope: ScopeId, kind: OpenKind, span: Span) {
        self.open.push(OpenSection { scope, kind, span });
    }

    /// The scope of a section inside of another; opening it again leads to the same one.
    fn child(&mut self, parent: ScopeId, section: Section, opened: Option<Span>) -> ScopeId {
        // Networks are one if their addresses are, however they are written.
        let mut same = section.clone();
        if let Section::Local(net) | Section::Remote(net) = &mut same
            && net.range.is_some()
        {
            net.text.clear();
        }
        let next = ScopeId(u32::try_from(self.config.scopes.len()).unwrap_or(u32::MAX));
        *self.children.entry((parent, same)).or_insert_with(|| {
            self.config.scopes.push(Scope {
                parent: Some(parent),
                section: Some(section),
                opened,
            });
            next
        })
    }

    fn relative(&self, path: &[u8]) -> PathBuf {
        let path = PathBuf::from(path.to_os_str_lossy().into_owned());
        let base = self
            .inputs
            .last()
            .map(|input| self.sources.daemon_path(input.file));
        match base.and_then(Path::parent) {
            Some(folder) if path.is_relative() => folder.join(path),
            Some(_) | None => path,
        }
    }

    fn include(&mut self, pattern: &[u8], span: Span, try_: bool) {
        let full = self.relative(pattern);
        let shown = full.display().to_string();
        if self.started >= MOST_FILES || self.depth >= DEEPEST {
            return self.note(
                span,
                format!(
                    "more than {MOST_FILES} files, or {DEEPEST} inside of each other, are not read"
                ),
            );
        }
        let bytes = full.as_os_str().as_encoded_bytes().to_vec();
        let files = if include::is_pattern(&bytes) {
            let fixed = bytes
                .split(|c| b"*?[{".contains(c))
                .next()
                .unwrap_or_default();
            let folder = fixed
                .rfind_byte(b'/')
                .map_or(b"/".as_slice(), |at| &fixed[..at.max(1)]);
            if !self
                .sources
                .tree()
                .covers(Path::new(&*folder.to_os_str_lossy()))
            {
                self.config.unread.push(Unread {
                    span,
                    pattern: bytes.into(),
                });
                return;
            }
            let found = include::matches(&bytes, self.sources.tree());
            if found.is_empty() {
                self.config.unread.push(Unread {
                    span,
                    pattern: bytes.into(),
                });
                if !try_ {
                    self.refuse(span, format!("no file matches {shown}"));
                }
            }
            found
        } else {
            vec![full]
        };
        // The daemon pushes them on a stack, the last one first; the first is read at once.
        for path in files.into_iter().rev() {
            self.include_file(&path, span, try_);
        }
    }

    fn include_file(&mut self, path: &Path, span: Span, try_: bool) {
        let open = self
            .inputs
            .iter()
            .any(|input| self.sources.daemon_path(input.file) == path);
        if open {
            return self.refuse(span, format!("recursive include file: {}", path.display()));
        }
        match self.sources.read(path) {
            Ok(id) => self.start(id),
            // A directory opens and reads as nothing (live, 2.3.19.1).
            Err(ReadError::NotAFile) => {}
            Err(ReadError::Outside) => self.config.unread.push(Unread {
                span,
                pattern: path.as_os_str().as_encoded_bytes().into(),
            }),
            Err(ReadError::Missing) if try_ => self.config.unread.push(Unread {
                span,
                pattern: path.as_os_str().as_encoded_bytes().into(),
            }),
            Err(ReadError::Missing) => {
                self.refuse(span, format!("no file matches {}", path.display()))
            }
            Err(error @ (ReadError::TooLarge | ReadError::Io(_))) => {
                let message = format!("{} cannot be read here: {error}", path.display());
                self.note(span, message);
            }
        }
    }

    fn finish(mut self) -> Config {
        while let Some(open) = self.open.pop() {
            self.refuse(open.span, "this section is never closed".into());
        }
        if self.family == Family::V24
            && !self.config.partial
            && let Some(span) = self.config.main_file().map(|file| Span::new(file, 0, 0))
            && !self
                .config
                .assignments
                .iter()
                .any(|a| a.name == "dovecot_storage_version")
        {
            self.refuse(span, "dovecot_storage_version setting must be set".into());
        }
        let unknown: Vec<Problem> = self
            .config
            .group_uses
            .iter()
            .filter_map(|used| {
                let groups = self
                    .config
                    .scopes
                    .iter()
                    .filter_map(|scope| match &scope.section {
                        Some(Section::Group { label, name }) if *label == used.label => Some(name),
                        Some(_) | None => None,
                    });
                let names: Vec<&BString> = groups.collect();
                (!names.contains(&&used.name)).then(|| Problem {
                    span: used.span,
                    message: if names.is_empty() {
                        format!("Unknown group label @{}", used.label)
                    } else {
                        format!("Unknown group @{}={}", used.label, used.name)
                    },
                })
            })
            .collect();
        for problem in unknown {
            self.refuse(problem.span, problem.message);
        }
        self.config.index = lookup::Index::new(&self.config);
        self.config
    }
}
