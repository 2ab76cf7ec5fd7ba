//! The law of segments: however a log is cut and in whatever tree its parts are joined, they equal the single pass.

use std::path::Path;

use proptest::prelude::*;

use super::calendar::{Calendar, Year};
use super::chunk::{self, Needles};
use super::events::Events;
use super::glance::Recent;
use super::head::Form;
use super::period::Period;
use super::segment::Segment;
use crate::evidence::Evidence;
use crate::properties::cases;

/// Lines that sessions are made of; which process says which is drawn.
const SAYINGS: [&str; 17] = [
    "connect from h.example.org[192.0.2.9]",
    "connect from unknown[192.0.2.8]",
    "Anonymous TLS connection established from h.example.org[192.0.2.9]: TLSv1.3 with cipher X (256/256 bits)",
    "Anonymous TLS connection established from h.example.org[192.0.2.9]: TLSv1 with cipher X (256/256 bits)",
    "A1B2: client=h.example.org[192.0.2.9], sasl_method=PLAIN, sasl_username=ann",
    "A1B3: client=unknown[192.0.2.9], sasl_method=plain, sasl_username=ann",
    "A1B4: client=h.example.org[192.0.2.9], sasl_method=LOGIN, sasl_username=bob",
    "A1B5: client=h.example.org[192.0.2.9], sasl_method=XCLIENT, sasl_username=bob",
    "warning: h.example.org[192.0.2.9]: SASL LOGIN authentication failed: x",
    "disconnect from h.example.org[192.0.2.9]",
    "disconnect from h.example.org[192.0.2.9] ehlo=2 starttls=1 auth=1 commands=4",
    "disconnect from h.example.org[192.0.2.9] ehlo=2 starttls=1 auth=2 commands=5",
    "disconnect from h.example.org[192.0.2.9] ehlo=2 starttls=1 xclient=0/1 auth=2 commands=5",
    "disconnect from h.example.org[192.0.2.9] ehlo=2 starttls=1 au",
    "A1B2: lost connection after AUTH from h.example.org[192.0.2.9]",
    "disconnect from h.example.org[192.0.2.9] ehlo=1 auth=1/2 commands=2/3",
    "disconnect from h.example.org[192.0.2.9] ehlo=1 auth=0/1 commands=1/2",
];

const LOGINS: [&str; 5] = [
    "Login: user=<ann>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, mpid=7, TLS, session=<x>",
    "Login: user=<ann>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, mpid=8, session=<y>",
    "Login: user=<bob>, method=PLAIN, rip=192.0.2.1, lip=192.0.2.1, mpid=9, secured, session=<z>",
    "Disconnected (tried to use disallowed plaintext auth): user=<>, rip=192.0.2.9, lip=192.0.2.1",
    "Aborted login (no auth attempts): user=<>, rip=192.0.2.9, lip=192.0.2.1, TLS",
];

pub(super) fn line() -> impl Strategy<Value = String> {
    let smtpd = (0..SAYINGS.len(), 1..4, 1..3).prop_map(|(saying, pid, host)| {
        format!("h{host} postfix/smtpd[{pid}]: {}", SAYINGS[saying])
    });
    let login =
        (0..LOGINS.len()).prop_map(|saying| format!("h1 dovecot: imap-login: {}", LOGINS[saying]));
    let other = Just("h1 postfix/qmgr[4]: A1B2: removed".to_owned());
    let repeated = Just("h1 last message repeated 2 times".to_owned());
    prop_oneof![8 => smtpd, 2 => login, 1 => other, 1 => repeated]
}

fn log() -> impl Strategy<Value = Vec<u8>> {
    log_of(400, 0)
}

/// A log of up to so many lines, each at least so many steps of time after the one before.
pub(super) fn log_of(most: usize, least: u32) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec((line(), least..3), 1..most).prop_map(|lines| {
        let mut clock = 0;
        let mut text = Vec::new();
        for (line, step) in lines {
            clock += step * 900;
            let (day, hour, minute) = (1 + clock / 86_400, clock / 3600 % 24, clock / 60 % 60);
            let second = clock % 60;
            text.extend(format!("Mar {day:2} {hour:02}:{minute:02}:{second:02} {line}\n").bytes());
        }
        text
    })
}

fn calendar() -> Calendar {
    Calendar {
        year: Year::UpTo(1_790_000_000),
        zone: None,
    }
}

/// The segment of the lines from `start` to `end`, which may look ahead at what follows.
fn segment(text: &[u8], start: usize, end: usize, calendar: &Calendar) -> Segment {
    let mut events = Events::new(Segment::of(Period::default()), calendar);
    events.segment.enter_file(0);
    let needles = Needles::new(Form::Syslog);
    chunk::scan(&mut events, &needles, &text[start..], end - start);
    events.segment
}

/// Joins neighbours in an order that `choices` draw.
fn joined(mut parts: Vec<Segment>, choices: &[usize]) -> Segment {
    let mut choices = choices.iter().cycle();
    while parts.len() > 1 {
        let at = choices.next().copied().unwrap_or(0) % (parts.len() - 1);
        let second = parts.remove(at + 1);
        let first = std::mem::take(&mut parts[at]);
        parts[at] = first.then(second);
    }
    parts.pop().unwrap_or_default()
}

fn evidence(segment: Segment) -> Evidence {
    let whole = Segment::beginning(Period::default()).then(segment);
    whole.evidence(None, &[Path::new("log")])
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn parts_joined_in_any_tree_equal_the_single_pass(
        text in log(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 1..1000),
        choices in prop::collection::vec(any::<usize>(), 1..50),
    ) {
        let calendar = calendar();
        let single = evidence(segment(&text, 0, text.len(), &calendar));
        let starts: Vec<usize> = memchr::memchr_iter(b'\n', &text).map(|newline| newline + 1).collect();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| starts[cut.index(starts.len())]).collect();
        cuts.push(0);
        cuts.push(text.len());
        cuts.sort_unstable();
        let parts: Vec<Segment> = cuts.windows(2).map(|cut| segment(&text, cut[0], cut[1], &calendar)).collect();
        prop_assert_eq!(evidence(joined(parts, &choices)), single);
    }

    #[test]
    fn a_glance_tells_what_searching_tells(lines in prop::collection::vec(prop::collection::vec(piece(), 1..10), 1..20)) {
        let (mut recent, mut segment) = (Recent::new(), Segment::default());
        for words in lines {
            let stamped = format!("Mar  1 08:00:00 {}", words.concat());
            for line in [words.concat(), stamped, format!("{} connect from x", words.concat())] {
                super::glance::check_glance(&mut recent, &mut segment, line.as_bytes());
            }
        }
    }

    #[test]
    fn the_usual_list_is_read_as_any_other(words in prop::collection::vec(word(), 0..4), ends in 0..3usize, tls in 0..4usize) {
        let tls = ["", ", TLS", ", secured", ", TLS: e"][tls];
        let end = ["", ", session=<s>", ", session=<s>, TLS"][ends];
        for name in [words.concat(), "ann".to_owned()] {
            for more in [words.concat(), String::new()] {
                let list = format!("user=<{name}>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, mpid=1{tls}{end}{more}");
                super::elements::check_usual(list.as_bytes());
            }
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), kind in 0..4usize) {
        let calendar = calendar();
        let prefix = [
            &b""[..],
            b"Mar  1 08:00:00 h postfix/smtpd[1]: ",
            b"Mar  1 08:00:00 h dovecot: imap-login: Login: user=<",
            b"<22>1 - - dovecot 29 ID [",
        ][kind];
        let text = [prefix, &bytes[..], b" /smtpd[ -login: \n"].concat();
        segment(&text, 0, text.len(), &calendar);
        let _fields = super::json::Fields::of_json(&bytes);
    }

    #[test]
    fn hostile_words_make_it_neither_panic_nor_count(words in prop::collection::vec(word(), 1..12)) {
        let calendar = calendar();
        let text = format!("Mar  1 08:00:00 h dovecot: imap-login: Disconnected (auth failed, 1 attempts): user=<{}>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, session=<s>\n", words.concat());
        let evidence = evidence(segment(text.as_bytes(), 0, text.len(), &calendar));
        prop_assert!(evidence.rows.is_empty());
    }

    #[test]
    fn a_hostile_name_never_turns_clear_into_tls(
        words in prop::collection::vec(word(), 1..12),
        session in any::<bool>(),
    ) {
        // 2.0 has no session element.
        let end = if session { ", session=<s>" } else { "" };
        let calendar = calendar();
        let text = format!("Mar  1 08:00:00 h dovecot: imap-login: Login: user=<{}>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, mpid=1{end}\n", words.concat());
        let evidence = evidence(segment(text.as_bytes(), 0, text.len(), &calendar));
        for row in evidence.rows.iter().chain(&evidence.anonymous) {
            prop_assert_ne!(row.way.transport, crate::evidence::Transport::Tls);
            prop_assert_eq!(row.client.as_slice(), b"192.0.2.9");
        }
    }
}

/// Pieces of a prefix.
fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "Mar  1 08:00:00 ",
        "2026-03-01T08:00:00Z ",
        "<22>",
        "h ",
        " ",
        ":",
        "[",
        "]: ",
        "[7]: ",
        "7",
        "postfix",
        "postfix/smtpd[7]: ",
        "dovecot: imap-login: ",
        "/smtpd[",
        "/smtpd",
        "dovecot: ",
        "dovecot[9]: ",
        "imap",
        "pop3-login: ",
        "-login: ",
        "Info: ",
        "message repeated 2 times: [ ",
        "[ID 5 mail.info] ",
        "[12345678]: ",
        "[]: ",
        "imap-login",
        "x",
    ])
}

/// Pieces of the log's own syntax.
fn word() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        ">",
        "<",
        ", ",
        "=",
        "user=<",
        "rip=198.51.100.1",
        "lip=198.51.100.1",
        "method=PLAIN",
        "TLS",
        "TLSv1.3",
        "secured",
        "session=<q>",
        "mpid=3",
        "-login: Logged in: ",
        ": ",
        "x",
        "tls=TLS",
        "\"",
        "\u{1b}[2J",
        "TLS: e",
    ])
}
