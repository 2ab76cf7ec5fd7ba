//! Sessions of smtpd, one at a time: what their lines prove, and what they do not.

#[path = "../shared/mod.rs"]
mod shared;

mod configured;
mod contradictions;

use std::io::Write;
use std::process::{Command, Stdio};

/// What a log of these messages proves: `ACCOUNT CLIENT TRANSPORT TIMES`, with `?` for an account that is not named,
/// and `refused` or `perhaps` in place of a transport.
fn proved(log: &str) -> Vec<String> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_plainsight"))
        .args(["scan", "--format", "json", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program was built for this test");
    let mut pipe = child.stdin.take().expect("it is piped");
    pipe.write_all(log.as_bytes()).expect("it reads");
    drop(pipe);
    let output = child.wait_with_output().expect("it ends");
    told(&output.stdout)
}

/// The same of what a scan printed.
fn told(json: &[u8]) -> Vec<String> {
    let document: serde_json::Value = serde_json::from_slice(json).expect("JSON");
    let rows = |name: &str| document[name].as_array().cloned().expect("rows");
    let shown = |row: &serde_json::Value, how: &str, times: &str| {
        let account = row["account"].as_str().unwrap_or("?");
        let client = row["client"].as_str().expect("a client");
        format!("{account} {client} {how} {}", row[times])
    };
    let logins = ["evidence", "anonymous"].into_iter().flat_map(rows);
    let logins = logins.map(|row| {
        let how = row["transport"].as_str().expect("a transport").to_owned();
        shown(&row, &how, "logins")
    });
    let refused = rows("refused").into_iter().map(|row| {
        let how = if row["certain"] == true {
            "refused"
        } else {
            "perhaps"
        };
        shown(&row, how, "times")
    });
    logins.chain(refused).collect()
}

/// The lines of one process.
fn lines(service: &str, pid: u32, messages: &[&str]) -> String {
    let line = |message: &&str| {
        let tag = if message.starts_with("last message") {
            String::new()
        } else {
            format!("{service}[{pid}]: ")
        };
        format!("2026-03-01T08:00:00+01:00 mail {tag}{message}\n")
    };
    messages.iter().map(line).collect()
}

/// A session without a login, which shows that this service logs TLS.
const LOGGING: [&str; 3] = [
    "connect from x.example.org[192.0.2.99]",
    "Anonymous TLS connection established from x.example.org[192.0.2.99]: TLSv1.3 with cipher X (256/256 bits)",
    "disconnect from x.example.org[192.0.2.99] ehlo=2 starttls=1 quit=1 commands=4",
];

const CONNECT: &str = "connect from h.example.org[192.0.2.9]";
const TLS: &str = "Anonymous TLS connection established from h.example.org[192.0.2.9]: TLSv1.3 with cipher X (256/256 bits)";
const MAIL: &str =
    "4A0B1C2D3E: client=h.example.org[192.0.2.9], sasl_method=PLAIN, sasl_username=ann";
const FAILED: &str =
    "warning: h.example.org[192.0.2.9]: SASL LOGIN authentication failed: UGFzc3dvcmQ6";

fn end(counters: &str) -> String {
    format!("disconnect from h.example.org[192.0.2.9] {counters}")
}

fn check(name: &str, messages: &[&str], expected: &[&str]) {
    let service = "postfix/smtpd";
    let log = lines(service, 9, &LOGGING) + &lines(service, 1, messages);
    assert_eq!(proved(&log), expected, "{name}");
}

#[test]
fn a_session_is_judged_by_all_of_its_lines() {
    let clear = end("ehlo=1 auth=1 mail=1 commands=3");
    let tls = end("ehlo=2 starttls=1 auth=1 mail=1 commands=5");
    check("TLS", &[CONNECT, TLS, MAIL, &tls], &["ann 192.0.2.9 tls 1"]);
    check(
        "clear",
        &[CONNECT, MAIL, &clear],
        &["ann 192.0.2.9 clear 1"],
    );
    check("under way", &[CONNECT, MAIL], &["ann 192.0.2.9 clear 1"]);
    check(
        "two messages",
        &[CONNECT, TLS, MAIL, MAIL, &tls],
        &["ann 192.0.2.9 tls 1"],
    );
    // The handshake failed, and the client went on without.
    let fallen_back = end("ehlo=1 starttls=0/1 auth=1 mail=1 commands=3/4");
    let error = "SSL_accept error from h.example.org[192.0.2.9]: -1";
    check(
        "fallback",
        &[CONNECT, error, MAIL, &fallen_back],
        &["ann 192.0.2.9 clear 1"],
    );
    // In wrapper mode there is no STARTTLS to count.
    check(
        "wrapper",
        &[CONNECT, TLS, MAIL, &clear],
        &["ann 192.0.2.9 tls 1"],
    );
    let twice = end("ehlo=2 starttls=1 auth=2 mail=2 commands=7");
    let again = MAIL.replace("4A0", "5A0");
    check(
        "both ways",
        &[CONNECT, MAIL, TLS, &again, &twice],
        &["ann 192.0.2.9 tls 1", "ann 192.0.2.9 clear 1"],
    );
    check(
        "no mail",
        &[CONNECT, &end("ehlo=1 auth=1 commands=2")],
        &["? 192.0.2.9 clear 1"],
    );
    let old = "disconnect from h.example.org[192.0.2.9]";
    check(
        "before 3.0",
        &[CONNECT, MAIL, old],
        &["ann 192.0.2.9 clear 1"],
    );
    // A content filter gives the message back, and no one has logged in there.
    let back = "6A0B1C2D3E: client=localhost[127.0.0.1], orig_queue_id=4A0B1C2D3E, orig_client=h.example.org[192.0.2.9]";
    check(
        "back from a filter",
        &[
            CONNECT,
            TLS,
            MAIL,
            &tls,
            "connect from localhost[127.0.0.1]",
            back,
            "disconnect from localhost[127.0.0.1] ehlo=1 xforward=1 mail=1 commands=3",
        ],
        &["ann 192.0.2.9 tls 1"],
    );
}

#[test]
fn where_lines_are_missing_nothing_is_concluded_from_silence() {
    let clear = end("ehlo=1 auth=1 mail=1 commands=3");
    check(
        "no beginning",
        &[MAIL, &clear],
        &["ann 192.0.2.9 unknown 1"],
    );
    let tls = end("ehlo=2 starttls=1 auth=1 mail=1 commands=5");
    check(
        "no beginning, counted",
        &[MAIL, &tls],
        &["ann 192.0.2.9 tls 1"],
    );
    check(
        "no end",
        &[CONNECT, MAIL, CONNECT],
        &["ann 192.0.2.9 unknown 1"],
    );
    // The end of one session and the beginning of the next are missing: neither proves anything about the other.
    let other = |text: &str| {
        text.replace("192.0.2.9]", "192.0.2.77]")
            .replace("=ann", "=bob")
    };
    check(
        "TLS line of another",
        &[CONNECT, TLS, &other(MAIL), &other(&clear)],
        &["bob 192.0.2.77 unknown 1"],
    );
    check(
        "counters of another",
        &[CONNECT, MAIL, &other(&tls)],
        &["ann 192.0.2.9 unknown 1", "? 192.0.2.77 unknown 1"],
    );
    check(
        "counters without a login",
        &[CONNECT, MAIL, &other(&end("ehlo=1 quit=1 commands=2"))],
        &["ann 192.0.2.9 unknown 1"],
    );
    check(
        "another behind it",
        &[CONNECT, MAIL, &other(TLS), &other(MAIL), &other(&tls)],
        &["ann 192.0.2.9 unknown 1", "bob 192.0.2.77 tls 1"],
    );
    // The process number comes again, in the same service and in another.
    check(
        "a number again",
        &[CONNECT, TLS, &other(CONNECT), &other(MAIL), &other(&clear)],
        &["bob 192.0.2.77 clear 1"],
    );
    let submission = "postfix/submission/smtpd";
    let log = lines("postfix/smtpd", 1, &[CONNECT, TLS])
        + &lines(submission, 9, &LOGGING)
        + &lines(
            submission,
            1,
            &[&other(CONNECT), &other(MAIL), &other(&clear)],
        )
        + &lines("postfix/smtpd", 1, &[MAIL, &tls]);
    let expected = ["bob 192.0.2.77 clear 1", "ann 192.0.2.9 tls 1"];
    let mut found = proved(&log);
    found.sort();
    found.reverse();
    assert_eq!(found, expected);
}

#[test]
fn a_client_behind_a_proxy_keeps_its_session() {
    let proxied = |text: &str| text.replace("h.example.org[192.0.2.9]", "proxy[192.0.2.2]");
    let front = MAIL.replace("PLAIN", "XCLIENT");
    let clear = end("ehlo=2 xclient=0/1 mail=1 commands=3/4");
    check(
        "passed on",
        &[&proxied(CONNECT), &front, &clear],
        &["ann 192.0.2.9 trusted 1"],
    );
    check(
        "under TLS",
        &[&proxied(CONNECT), &proxied(TLS), &front, &clear],
        &["ann 192.0.2.9 tls 1"],
    );
    let own = end("ehlo=2 xclient=0/1 auth=1 mail=1 commands=4/5");
    check(
        "its own login",
        &[&proxied(CONNECT), MAIL, &own],
        &["ann 192.0.2.9 clear 1"],
    );
    check(
        "the same, TLS",
        &[&proxied(CONNECT), &proxied(TLS), MAIL, &own],
        &["ann 192.0.2.9 tls 1"],
    );
    // With haproxy the client stands there from the beginning.
    let haproxied = end("ehlo=1 auth=1 mail=1 commands=3");
    check(
        "haproxy",
        &[CONNECT, MAIL, &haproxied],
        &["ann 192.0.2.9 clear 1"],
    );
}

#[test]
fn failures_are_no_logins_and_no_refusals() {
    let failed = end("ehlo=1 auth=0/3 commands=1/4");
    check(
        "three lines",
        &[CONNECT, FAILED, FAILED, FAILED, &failed],
        &[],
    );
    let repeated = format!("message repeated 2 times: [ {FAILED}]");
    check("repeated", &[CONNECT, FAILED, &repeated, &failed], &[]);
    check(
        "and as BSD does",
        &[CONNECT, FAILED, "last message repeated 2 times", &failed],
        &[],
    );
    let refused = end("ehlo=1 auth=0/1 commands=1/2");
    check(
        "turned down",
        &[CONNECT, &refused],
        &["? 192.0.2.9 refused 1"],
    );
    // It may have left in the middle of AUTH.
    let left = "lost connection after AUTH from h.example.org[192.0.2.9]";
    check(
        "hung up",
        &[CONNECT, left, &refused],
        &["? 192.0.2.9 perhaps 1"],
    );
    // A second AUTH in a session is an error of the client, and a malformed one too.
    let twice = end("ehlo=1 auth=1/2 mail=1 commands=3/4");
    check(
        "logged in already",
        &[CONNECT, MAIL, &twice],
        &["ann 192.0.2.9 clear 1"],
    );
    check(
        "malformed",
        &[CONNECT, FAILED, &end("ehlo=1 auth=0/2 commands=1/3")],
        &[],
    );
    check(
        "then right",
        &[CONNECT, FAILED, MAIL, &twice],
        &["ann 192.0.2.9 clear 1"],
    );
}

#[test]
fn what_others_write_makes_no_login() {
    let clear = end("ehlo=1 mail=1 rcpt=0/1 commands=2/3");
    let helo = format!(
        "NOQUEUE: reject: RCPT from h.example.org[192.0.2.9]: 554 5.7.1 <x>: no; from=<a> to=<b> proto=ESMTP helo=<x> sasl_method=PLAIN sasl_username=boss {}",
        "x".repeat(1900)
    );
    check("a name that was cut", &[CONNECT, &helo, &clear], &[]);
    let piped = "improper command pipelining after EHLO from h.example.org[192.0.2.9]: A1: client=h[192.0.2.9], sasl_method=PLAIN, sasl_username=boss";
    let strange = "warning: non-SMTP command from h.example.org[192.0.2.9]: A1: client=h[192.0.2.9], sasl_method=PLAIN, sasl_username=boss";
    check("commands", &[CONNECT, piped, strange, &clear], &[]);
}

#[test]
fn a_line_without_its_end_is_not_relied_on() {
    let start = "2026-03-01T08:00:00+01:00 mail dovecot: imap-login: Login: user=<ann>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1";
    let secured = start.replace("ann", "tls") + ", mpid=1, TLS, session=<a>\n";
    for (cut, how) in [
        ("", "unknown"),
        (", mpid=1", "unknown"),
        (", mpid=1, TLS", "tls"),
        (", mpid=1, session=<b>", "clear"),
        (", mpid=1\n", "clear"),
    ] {
        let found = proved(&format!("{secured}{start}{cut}"));
        let expected = [
            format!("ann 192.0.2.9 {how} 1"),
            "tls 192.0.2.9 tls 1".to_owned(),
        ];
        assert_eq!(found, expected, "{cut:?}");
    }
}

#[test]
fn what_was_written_before_tls_was_logged_proves_nothing() {
    // Postfix 2.6 has no counters; smtpd_tls_loglevel was set on the tenth.
    let old = "disconnect from h.example.org[192.0.2.9]";
    let session = |day: u32, account: &str, tls: bool| {
        let mail = MAIL.replace("=ann", &format!("={account}"));
        let messages: &[&str] = if tls {
            &[CONNECT, TLS, &mail, old]
        } else {
            &[CONNECT, &mail, old]
        };
        lines("postfix/smtpd", 1, messages).replace("-03-01T", &format!("-03-{day:02}T"))
    };
    let log = [
        session(1, "early", false),
        session(2, "always", false),
        session(10, "secure", true),
        session(10, "clear", false),
        session(11, "always", false),
        session(20, "secure", true),
        session(25, "late", false),
    ];
    assert_eq!(
        proved(&log.concat()),
        [
            "always 192.0.2.9 clear 1",
            "always 192.0.2.9 unknown 1",
            "clear 192.0.2.9 clear 1",
            "early 192.0.2.9 unknown 1",
            "late 192.0.2.9 unknown 1",
            "secure 192.0.2.9 tls 2",
        ]
    );
}
