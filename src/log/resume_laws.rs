//! The law of resumptions: going on behind an earlier scan equals scanning everything, however the logs grew meanwhile.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::laws::log_of;
use super::{Named, Options, ScanError, resume, scan, segment};
use crate::evidence::Evidence;
use crate::properties::cases;

/// What happens between two scans.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// So many bytes are written, be it the middle of a line.
    Grow(usize),
    /// `mail.log` becomes `mail.log.1`, and what was that `mail.log.2.gz`.
    Rotate,
    /// Nothing.
    Wait,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..60_000usize).prop_map(Step::Grow),
        // Short parts may begin alike.
        2 => (0..200usize).prop_map(Step::Grow),
        2 => Just(Step::Rotate),
        1 => Just(Step::Wait),
    ]
}

/// More than any test rotates.
const MOST_PARTS: usize = 20;

/// A directory of logs.
struct Logs(PathBuf);

impl Logs {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("plainsight-{name}-{}", std::process::id()));
        let _absent = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("there is room for temporary files");
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn named(&self, pattern: &str) -> Vec<Named> {
        vec![Named::Path(self.path(pattern))]
    }

    fn append(&self, name: &str, text: &[u8]) {
        let mut options = OpenOptions::new();
        let file = options.append(true).create(true).open(self.path(name));
        let mut file = file.expect("it can be written");
        file.write_all(text).expect("there is room");
    }

    fn rotate(&self, log: &str) -> io::Result<()> {
        let name = |number: usize| self.path(&format!("{log}.{number}.gz"));
        for number in (2..MOST_PARTS).rev() {
            if name(number).exists() {
                fs::rename(name(number), name(number + 1))?;
            }
        }
        let (current, first) = (self.path(log), self.path(&format!("{log}.1")));
        if first.exists() {
            let mut packed = GzEncoder::new(File::create(name(2))?, Compression::fast());
            packed.write_all(&fs::read(&first)?)?;
            packed.finish()?;
        }
        if current.exists() {
            fs::rename(&current, &first)?;
        }
        Ok(())
    }

    /// Deletes all rotated parts but the youngest `most`.
    fn delete_oldest(&self, log: &str, most: usize) {
        for number in most + 1..=MOST_PARTS {
            for name in [format!("{log}.{number}"), format!("{log}.{number}.gz")] {
                let _absent = fs::remove_file(self.path(&name));
            }
        }
    }
}

impl Drop for Logs {
    fn drop(&mut self) {
        let _left = fs::remove_dir_all(&self.0);
    }
}

fn options() -> Options {
    Options {
        year: Some(2026),
        threads: 2,
        ..Options::default()
    }
}

fn everything(named: &[Named]) -> Evidence {
    scan(named, &options()).expect("the logs can be read")
}

fn going_on(named: &[Named], state: &mut Option<Vec<u8>>) -> Evidence {
    let (evidence, kept) = resume(named, &options(), state.as_deref()).expect("it goes on");
    *state = kept;
    evidence
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn going_on_equals_scanning_everything(
        text in log_of(2500, 0),
        steps in prop::collection::vec(step(), 1..12),
    ) {
        let logs = Logs::new("resume");
        let named = logs.named("mail.log*");
        let mut state = None;
        let mut rest = &text[..];
        logs.append("mail.log", b"");
        for step in steps {
            match step {
                Step::Grow(length) => {
                    let (now, later) = rest.split_at(length.min(rest.len()));
                    logs.append("mail.log", now);
                    rest = later;
                }
                Step::Rotate => {
                    // A line is not cut by rotation.
                    let end = rest.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
                    logs.append("mail.log", &rest[..end]);
                    rest = &rest[end..];
                    logs.rotate("mail.log").expect("there is room");
                    logs.append("mail.log", b"");
                }
                Step::Wait => {}
            }
            prop_assert_eq!(going_on(&named, &mut state), everything(&named), "{:?}", step);
        }
    }

    #[test]
    fn what_is_deleted_stays_known(
        text in log_of(1000, 1),
        steps in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 1..12),
        most in 1..5usize,
    ) {
        let (all, left) = (Logs::new("all"), Logs::new("left"));
        let mut state = None;
        let mut at = 0;
        for (end, rotated) in steps {
            // A part is kept once a younger one has begun, so each of them gets a line at least, and none is cut by rotation.
            let Some(newline) = memchr::memchr(b'\n', &text[at..]) else {
                break;
            };
            let mut end = end.index(text.len()).max(at + newline + 1);
            if rotated {
                end += memchr::memchr(b'\n', &text[end..]).map_or(0, |at| at + 1);
            }
            for logs in [&all, &left] {
                logs.append("mail.log", &text[at..end]);
            }
            at = end;
            // What was not read before it is deleted nobody knows.
            let mut going_on = going_on(&left.named("mail.log*"), &mut state);
            let mut everything = everything(&all.named("mail.log*"));
            // A part that is gone keeps the name that it had.
            for row in going_on.rows.iter_mut().chain(&mut everything.rows)
                .chain(&mut going_on.anonymous).chain(&mut everything.anonymous) {
                row.example = None;
            }
            for refusal in going_on.refused.iter_mut().chain(&mut everything.refused) {
                refusal.example = None;
            }
            // The logs lie in two directories.
            for span in going_on.spans.iter_mut().chain(&mut everything.spans) {
                span.log = Path::new(span.log.file_name().unwrap_or_default()).into();
            }
            prop_assert_eq!(going_on, everything);
            if rotated {
                for logs in [&all, &left] {
                    logs.rotate("mail.log").expect("there is room");
                    logs.append("mail.log", b"");
                }
                left.delete_oldest("mail.log", most);
            }
        }
    }

    #[test]
    fn lines_that_stand_in_two_logs_count_once_in_every_scan(
        text in log_of(1000, 0),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<bool>()), 1..6),
    ) {
        let logs = Logs::new("twins");
        let named = [logs.named("mail.log*"), logs.named("copy.log*")].concat();
        let mut state = None;
        let (mut first, mut second) = (0, 0);
        logs.append("mail.log", b"");
        logs.append("copy.log", b"");
        for (one, two, rotated) in cuts {
            let (mut one, two) = (one.index(text.len()).max(first), two.index(text.len()).max(second));
            if rotated {
                // A line is not cut by rotation.
                one += memchr::memchr(b'\n', &text[one..]).map_or(0, |at| at + 1);
            }
            logs.append("mail.log", &text[first..one]);
            logs.append("copy.log", &text[second..two]);
            (first, second) = (one, two);
            if rotated {
                logs.rotate("mail.log").expect("there is room");
            }
            prop_assert_eq!(going_on(&named, &mut state), everything(&named));
        }
    }

    #[test]
    fn a_segment_that_was_saved_is_the_same_when_it_is_read(text in log_of(300, 0)) {
        let logs = Logs::new("saved");
        logs.append("mail.log", &text);
        logs.append("mail.log", b"Mar  1 08:00:00 h dovecot: imap-login: Login: user=<\xff\x00>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1\n");
        let (evidence, saved) = segment(&logs.named("mail.log"), &options()).expect("it can be read");
        prop_assert_eq!(&evidence, &everything(&logs.named("mail.log")));
        let read = super::saved::Saved::read(&saved).map_err(TestCaseError::fail)?;
        let written = read.written();
        prop_assert_eq!(String::from_utf8_lossy(&written), String::from_utf8_lossy(&saved));
        let names = [Path::new("x")];
        let again = read.segment.evidence(None, &names);
        prop_assert_eq!(again.rows.len(), evidence.rows.len());
        prop_assert_eq!(again.window, evidence.window);
    }

    #[test]
    fn no_bytes_make_the_reading_of_a_state_panic(
        text in log_of(60, 0),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
    ) {
        let logs = Logs::new("damaged");
        logs.append("mail.log", &text);
        let (_, mut saved) = segment(&logs.named("mail.log"), &options()).expect("it can be read");
        for (at, byte) in changes {
            let at = at.index(saved.len());
            saved[at] = byte;
        }
        let _either = resume(&logs.named("mail.log"), &options(), Some(&saved));
    }
}

#[test]
fn what_cannot_be_gone_on_with_is_refused() {
    let logs = Logs::new("refused");
    let line = |minute: u32| {
        format!(
            "Mar  1 08:{minute:02}:00 h dovecot: imap-login: Login: user=<a>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, TLS\n"
        )
    };
    logs.append("mail.log.1", line(1).as_bytes());
    logs.append("mail.log", line(2).as_bytes());
    let named = logs.named("mail.log*");
    let mut state = None;
    going_on(&named, &mut state);
    let refused = |named: &[Named], options: &Options, state: &[u8]| {
        let errors = resume(named, options, Some(state)).expect_err("it is refused");
        let shown: Vec<String> = errors.iter().map(ScanError::to_string).collect();
        shown.join("; ")
    };
    let state = state.expect("a state");
    let elsewhere = Options {
        timezone: Some(jiff::tz::TimeZone::UTC),
        ..options()
    };
    assert!(refused(&named, &elsewhere, &state).contains("another --timezone"));
    assert!(refused(&named, &options(), b"{}").contains("not a saved scan"));
    assert!(refused(&named, &options(), b"").contains("not a saved scan"));
    logs.append("other.log", line(1).as_bytes());
    let both = [named.clone(), logs.named("other.log")].concat();
    assert!(refused(&both, &options(), &state).contains("may hold lines of"));
    logs.append("mail.log.2", line(0).as_bytes());
    assert!(refused(&named, &options(), &state).contains("was not there"));
    fs::remove_file(logs.path("mail.log.2")).expect("it is there");
    logs.append("mail.log.1", line(1).as_bytes());
    assert!(refused(&named, &options(), &state).contains("begins as"));
}

fn login(minute: u32) -> String {
    format!(
        "Mar  1 08:{minute:02}:00 h dovecot: imap-login: Login: user=<a>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, TLS\n"
    )
}

#[test]
fn of_two_logs_the_rotated_parts_are_kept() {
    let logs = Logs::new("both");
    for (name, minute) in [
        ("mail.log.1", 1),
        ("mail.log", 2),
        ("copy.log.1", 1),
        ("copy.log", 2),
    ] {
        logs.append(name, login(minute).as_bytes());
    }
    let named = [logs.named("mail.log*"), logs.named("copy.log*")].concat();
    let mut state = None;
    assert_eq!(going_on(&named, &mut state), everything(&named));
    let kept = String::from_utf8(state.clone().expect("a state")).expect("it is text");
    assert!(kept.contains("mail.log.1") && kept.contains("copy.log.1"));
    assert_eq!(going_on(&named, &mut state), everything(&named));
    // A line that mail.log may still get as well.
    logs.append("copy.log", login(3).as_bytes());
    logs.rotate("copy.log").expect("there is room");
    logs.append("copy.log", login(4).as_bytes());
    assert_eq!(going_on(&named, &mut state), everything(&named));
    logs.append("mail.log", login(3).as_bytes());
    assert_eq!(going_on(&named, &mut state), everything(&named));
}

#[test]
fn a_line_that_comes_late_to_the_first_log_makes_it_read_all_anew_or_is_refused() {
    let logs = Logs::new("late");
    logs.append("mail.log", b"");
    logs.append("copy.log.2", login(1).as_bytes());
    logs.append("copy.log.1", login(2).as_bytes());
    logs.append("copy.log", login(3).as_bytes());
    let named = [logs.named("mail.log*"), logs.named("copy.log*")].concat();
    let mut state = None;
    going_on(&named, &mut state);
    logs.append("mail.log", login(2).as_bytes());
    let mut anew = state.clone();
    assert_eq!(going_on(&named, &mut anew), everything(&named));
    assert_eq!(going_on(&named, &mut anew), everything(&named));
    // What is gone cannot be read anew.
    fs::remove_file(logs.path("copy.log.2")).expect("it is there");
    let errors = resume(&named, &options(), state.as_deref()).expect_err("it is refused");
    assert!(
        errors[0]
            .to_string()
            .contains("counted in another log before")
    );
}

#[test]
fn parts_that_begin_alike_are_told_apart_by_their_order() {
    let logs = Logs::new("alike");
    let named = logs.named("mail.log*");
    let mut state = None;
    // All of them begin with the same line, and most are the same to the last byte.
    for lines in [1, 1, 2, 1, 3, 2, 1] {
        for _ in 0..lines {
            logs.append("mail.log", login(1).as_bytes());
            assert_eq!(going_on(&named, &mut state), everything(&named));
        }
        logs.rotate("mail.log").expect("there is room");
        assert_eq!(going_on(&named, &mut state), everything(&named));
        logs.append("mail.log", b"");
        assert_eq!(going_on(&named, &mut state), everything(&named));
    }
}

#[test]
fn what_begins_as_a_file_that_is_gone_is_not_taken_for_new() {
    let logs = Logs::new("begins");
    logs.append("mail.log.1", login(1).as_bytes());
    logs.append("mail.log", login(9).as_bytes());
    let named = logs.named("mail.log*");
    let mut state = None;
    going_on(&named, &mut state);
    fs::rename(logs.path("mail.log.1"), logs.path("mail.log.2")).expect("it is there");
    logs.append("mail.log.2", login(2).as_bytes());
    let errors = resume(&named, &options(), state.as_deref()).expect_err("it is refused");
    let shown = errors[0].to_string();
    assert!(
        shown.contains("mail.log.1 did when it was read, but goes on where that ended"),
        "{shown}"
    );
}

#[test]
fn logs_that_begin_alike_are_found_in_another_folder() {
    let logs = Logs::new("folders");
    for folder in ["one", "two"] {
        fs::create_dir_all(logs.path(folder)).expect("there is room");
        for name in ["mail.log", "mail.info"] {
            logs.append(&format!("{folder}/{name}.1"), login(1).as_bytes());
            logs.append(&format!("{folder}/{name}"), login(2).as_bytes());
        }
    }
    let mut state = None;
    going_on(&logs.named("one/*"), &mut state);
    let two = logs.named("two/*");
    assert_eq!(going_on(&two, &mut state), everything(&two));
}

#[test]
fn a_log_without_its_rotated_parts_gets_a_warning() {
    let logs = Logs::new("left-out");
    logs.append("mail.log.2.gz", b"");
    logs.append("mail.log.1", login(1).as_bytes());
    logs.append("mail.log", login(2).as_bytes());
    let warnings = |pattern| going_on(&logs.named(pattern), &mut None).warnings;
    let alone = warnings("mail.log");
    assert!(
        alone.len() == 1 && alone[0].contains("mail.log.1) are not given"),
        "{alone:?}"
    );
    assert_eq!(warnings("mail.log*"), Vec::<String>::new());
}
