//! Entries: what is done with the bytes of a fuzz target, and what has to hold afterwards.
//!
//! `fuzz_targets` hands them bytes that libFuzzer makes up, and `tests/fuzz_corpus.rs` those that are kept in `fuzz/corpus`.
//! Each goes through all that lies between a file and the report on it; a panic, an endless loop or too much memory is a bug,
//! and so is an answer that contradicts itself.

use std::cell::OnceCell;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use plainsight::certificate::{Missing, Policy};
use plainsight::evidence::Evidence;
use plainsight::finding;
use plainsight::fix::{self, Wish};
use plainsight::impact;
use plainsight::log::{self, Named, Options};
use plainsight::project::Project;
use plainsight::report::answer::Answer;
use plainsight::report::invocation::Invocation;
use plainsight::report::screen::{Detail, Screen};
use plainsight::report::{self, Checked};
use plainsight::root::Root;
use plainsight::rule::Rule;
use plainsight::source::FileTree;
use plainsight::surface::server::{Surface, Versions};
use plainsight::surface::{Client, Question};
use plainsight::version::{Range, Version};

/// A target: its name, which is that of its corpus, and its entry.
pub type Target = (&'static str, fn(&[u8], Depth));

/// How much is asked about an input.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Everything, for the inputs that are kept.
    All,
    /// One question, which the input itself chooses: a server is judged in far less than a hundredth of a second, all questions
    /// together take a tenth, and a fuzzer lives by the number of its tries.
    One,
}

/// All of them.
pub const TARGETS: [Target; 9] = [
    ("main_cf", main_cf),
    ("master_cf", master_cf),
    ("dovecot", dovecot),
    ("log_lines", log_file),
    ("journal_json", log_file),
    ("journal_export", log_file),
    ("saved_scan", saved_scan),
    ("rule", rule),
    ("project", project),
];

/// A master.cf with a service of each kind.
const MASTER: &[u8] = b"smtp inet n - y - - smtpd\nsubmission inet n - y - - smtpd\n -o smtpd_tls_security_level=encrypt\n\
    smtps inet n - y - - smtpd\n -o smtpd_tls_wrappermode=yes\ntlsmgr unix - - y 1000? 1 tlsmgr\nproxymap unix - - n - - proxymap\n";

/// A main.cf that lets people log in.
const MAIN: &[u8] = b"compatibility_level = 2\nsmtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = dovecot\nsmtpd_tls_security_level = may\n\
    smtpd_tls_cert_file = /etc/ssl/mail.pem\nsmtpd_relay_restrictions = permit_sasl_authenticated, reject\n";

/// A main.cf.
pub fn main_cf(bytes: &[u8], depth: Depth) {
    let files = [
        ("/etc/postfix/main.cf", bytes),
        ("/etc/postfix/master.cf", MASTER),
    ];
    server(&files, questions(bytes, depth));
}

/// A master.cf, and behind a zero byte, where there is one, the main.cf beside it.
pub fn master_cf(bytes: &[u8], depth: Depth) {
    let mut parts = bytes.splitn(2, |&byte| byte == 0);
    let master = parts.next().unwrap_or_default();
    let files = [
        ("/etc/postfix/main.cf", parts.next().unwrap_or(MAIN)),
        ("/etc/postfix/master.cf", master),
    ];
    server(&files, questions(bytes, depth));
}

/// A dovecot.conf, and behind zero bytes files that it may include: `a.conf` and `b.conf`.
pub fn dovecot(bytes: &[u8], depth: Depth) {
    let names = ["dovecot.conf", "a.conf", "b.conf"].map(|name| format!("/etc/dovecot/{name}"));
    let parts = bytes.splitn(names.len(), |&byte| byte == 0);
    let files: Vec<(&str, &[u8])> = names.iter().map(String::as_str).zip(parts).collect();
    server(&files, questions(bytes, depth));
}

/// What is asked about a server.
#[derive(Clone, Copy)]
enum Asking {
    /// What `check` says.
    Check,
    /// What `diff` and a `preflight` without logs say, with or without `--unsafe-fixes`.
    Change { unsafe_fixes: bool },
}

/// What is asked about a server, and for which releases.
type Asked = (Asking, Versions);

/// The questions for an input.
fn questions(bytes: &[u8], depth: Depth) -> Vec<Asked> {
    let asking = [
        Asking::Check,
        Asking::Change {
            unsafe_fixes: false,
        },
        Asking::Change { unsafe_fixes: true },
    ];
    // Both the releases that the text shows, and the language of today.
    let newest = Versions {
        postfix: Some(Range::exactly(Version::new(3, 10))),
        dovecot: Some(Range::exactly(Version::new(2, 4))),
    };
    let all = [Versions::default(), newest]
        .into_iter()
        .flat_map(|versions| asking.map(|asking| (asking, versions)));
    match depth {
        Depth::All => all.collect(),
        Depth::One => {
            let sum = bytes.iter().fold(bytes.len(), |sum, &byte| {
                sum.wrapping_mul(31).wrapping_add(byte.into())
            });
            all.skip(sum % 6).take(1).collect()
        }
    }
}

/// Asks about one server whose files these are.
fn server(files: &[(&str, &[u8])], asked: Vec<Asked>) {
    let mut tree = FileTree::default();
    for directory in ["/etc/postfix", "/etc/dovecot"] {
        tree.mount(directory, "/nonexistent");
    }
    for (path, bytes) in files {
        tree.overlay(*path, bytes.to_vec());
    }
    let holds = |directory: &str| files.iter().any(|(path, _)| path.starts_with(directory));
    let root = Root {
        shown: PathBuf::from("/nonexistent"),
        named: PathBuf::from("/nonexistent"),
        postfix: holds("/etc/postfix").then(|| PathBuf::from("/etc/postfix")),
        dovecot: holds("/etc/dovecot").then(|| PathBuf::from("/etc/dovecot/dovecot.conf")),
        tree,
    };
    let question = Question {
        client: None,
        certificates: Policy {
            missing: Missing::Assume,
            now: 0,
        },
        sasl: None,
    };
    for (asking, versions) in asked {
        let surface = Surface::of(root.clone(), versions, question.clone());
        match asking {
            Asking::Check => checked(surface),
            Asking::Change { unsafe_fixes } => changed(&surface, unsafe_fixes),
        }
    }
}

/// What is said of a server as it is.
fn checked(surface: Surface) {
    let near = Client {
        from: [192, 0, 2, 1].into(),
        to: Some([192, 0, 2, 1].into()),
    };
    surface.endpoints_for(Some(near));
    with_rules(|rules| {
        let findings = finding::of_surface(&surface, rules);
        let checked = [Checked::new(surface, findings)];
        written(|out| {
            report::check::write(
                out,
                &checked,
                &[],
                &Invocation::default(),
                &narrow(),
                Detail::All,
            )
        });
        written(|out| report::github::write(out, &checked, &[]));
        written(|out| report::junit::write(out, &checked, &[], rules, None));
        let json = written(|out| report::json::write(out, &report::json::check(&checked, &[])));
        let sarif = report::sarif::document(&checked, &[], rules);
        for document in [json, written(|out| report::json::write(out, &sarif))] {
            assert!(serde_json::from_str::<serde_json::Value>(&document).is_ok());
        }
    });
}

/// A terminal on which lines have to be cut.
fn narrow() -> Screen {
    Screen {
        width: Some(40),
        ..Screen::default()
    }
}

/// What is said of the change to a server.
fn changed(surface: &Surface, unsafe_fixes: bool) {
    let wish = Wish {
        unsafe_fixes,
        ..Wish::default()
    };
    let change = fix::enforce(surface, &wish);
    let again = fix::enforce(&change.after, &wish);
    assert!(again.files.is_empty(), "a second run changes nothing");
    let evidence = Evidence::default();
    let answered = impact::preflight(surface, &change, &evidence, &impact::Asked::default());
    let answer = Answer {
        preflight: &answered,
        evidence: &evidence,
        invocation: &Invocation::default(),
        before: surface,
        patch: b"",
    };
    written(|out| report::preflight::write(out, &answer, &change.after, &narrow(), Detail::All));
    written(|out| report::html::write(out, &answer));
    written(|out| report::markdown::write(out, &answer));
}

/// What a report wrote: text without control characters, whatever was in the files.
fn written(write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>) -> String {
    let mut bytes = Vec::new();
    assert!(write(&mut bytes).is_ok(), "memory takes everything");
    let text = String::from_utf8(bytes);
    assert!(text.is_ok(), "reports are UTF-8");
    let text = text.unwrap_or_default();
    let control = text.chars().find(|c| c.is_control() && *c != '\n');
    assert_eq!(control, None, "no control character gets out");
    text
}

/// A log in any form, packed or not.
pub fn log_file(bytes: &[u8], _depth: Depth) {
    let file = Scratch::of(bytes);
    let inputs = [Named::Path(file.0.clone())];
    let options = Options {
        threads: 1,
        ..Options::default()
    };
    let scanned = log::scan(&inputs, &options);
    let _programs = log::programs(&inputs, None);
    let resumed = log::resume(&inputs, &options, None);
    assert_eq!(
        scanned.is_ok(),
        resumed.is_ok(),
        "a first run of --resume reads what a scan reads"
    );
    let (Ok(evidence), Ok((first, saved))) = (scanned, resumed) else {
        return;
    };
    same(&evidence, &first);
    // Where a file is broken off, what was read is not kept.
    if let Some(saved) = saved {
        match log::resume(&inputs, &options, Some(&saved)) {
            Ok((second, _)) => same(&evidence, &second),
            Err(errors) => panic!("what was saved cannot be read: {errors:?}"),
        }
    }
    show(&evidence);
    let json = written(|out| report::json::write(out, &report::json::scan(&evidence)));
    assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok());
    assert!(log::segment(&inputs, &options).is_ok());
}

fn same(one: &Evidence, other: &Evidence) {
    let rows = |evidence: &Evidence| {
        let document = serde_json::to_value(report::json::scan(evidence));
        document.map(|document| document["evidence"].clone()).ok()
    };
    assert_eq!(
        rows(one),
        rows(other),
        "what is read in parts gives what it gives as a whole"
    );
}

/// The report of a scan, with everything that it can say.
fn show(evidence: &Evidence) {
    let invocation = Invocation::default();
    let (screen, detail) = (narrow(), Detail::All);
    written(|out| report::scan::write(out, evidence, None, &invocation, &screen, detail));
}

/// What `--resume` kept, damaged by whomever.
pub fn saved_scan(bytes: &[u8], _depth: Depth) {
    let file = Scratch::of(b"2026-03-01T08:00:00+01:00 mail dovecot: imap-login: Login: user=<ann>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, mpid=1, session=<a>\n");
    let inputs = [Named::Path(file.0.clone())];
    if let Ok((evidence, _)) = log::resume(&inputs, &Options::default(), Some(bytes)) {
        show(&evidence);
    }
}

/// A rule file.
pub fn rule(bytes: &[u8], _depth: Depth) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(rule) = Rule::parse("rule", text) {
        written(|out| report::rule::explain(out, &rule, &narrow()));
    }
}

/// A plainsight.toml.
pub fn project(bytes: &[u8], _depth: Depth) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _complaints = Project::parse(text);
    }
}

/// The rules that come with the program, read once.
fn with_rules(use_them: impl FnOnce(&[Rule])) {
    thread_local! {
        static RULES: OnceCell<Vec<Rule>> = const { OnceCell::new() };
    }
    RULES.with(|rules| use_them(rules.get_or_init(Rule::built_in)));
}

/// A file that is gone when it is no longer needed; in memory where the system has a place for that.
struct Scratch(PathBuf);

impl Scratch {
    fn of(bytes: &[u8]) -> Self {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() {
            memory.to_path_buf()
        } else {
            std::env::temp_dir()
        };
        let thread = std::thread::current().id();
        let path = folder.join(format!("plainsight-fuzz-{}-{thread:?}", std::process::id()));
        assert!(
            fs::write(&path, bytes).is_ok(),
            "{} can be written",
            path.display()
        );
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _gone = fs::remove_file(&self.0);
    }
}
