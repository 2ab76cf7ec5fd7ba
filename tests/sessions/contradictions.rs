//! Lines that cannot be of one session: what they would prove of each other is not proved.

use super::{CONNECT, MAIL, TLS, check, end, proved};

fn of(account: &str) -> String {
    MAIL.replace("=ann", &format!("={account}"))
}

#[test]
fn counters_without_a_login_are_of_another_session() {
    let none = end("ehlo=2 starttls=1 auth=0/1 commands=4");
    let unknown = ["ann 192.0.2.9 unknown 1"];
    check("before TLS", &[CONNECT, MAIL, TLS, &none], &unknown);
    check("under TLS", &[CONNECT, TLS, MAIL, &none], &unknown);
    let clear = end("ehlo=1 auth=0/1 commands=2");
    check(
        "without TLS, no refusal",
        &[CONNECT, MAIL, &clear],
        &unknown,
    );
    // A front end's login is no AUTH.
    let front = MAIL.replace("PLAIN", "XCLIENT");
    let passed_on = end("ehlo=3 starttls=1 xclient=0/1 mail=1 commands=5");
    check(
        "a front end",
        &[CONNECT, TLS, &front, &passed_on],
        &["ann 192.0.2.9 tls 1"],
    );
}

#[test]
fn more_names_than_logins_are_of_two_sessions() {
    let one = end("ehlo=2 starttls=1 auth=1 mail=1 commands=5");
    check(
        "one is before TLS",
        &[&of("head"), TLS, &of("next"), &one],
        &["head 192.0.2.9 unknown 1", "next 192.0.2.9 tls 1"],
    );
    check(
        "the same account",
        &[MAIL, TLS, MAIL, &one],
        &["ann 192.0.2.9 tls 1", "ann 192.0.2.9 unknown 1"],
    );
    let clear = end("ehlo=1 auth=1 mail=1 commands=3");
    check(
        "without TLS",
        &[CONNECT, &of("one"), &of("two"), &clear],
        &["one 192.0.2.9 unknown 1", "two 192.0.2.9 unknown 1"],
    );
    check(
        "counted STARTTLS",
        &[CONNECT, &of("one"), &of("two"), &one],
        &["one 192.0.2.9 unknown 1", "two 192.0.2.9 unknown 1"],
    );
}

#[test]
fn nothing_comes_before_the_tls_of_wrapper_mode() {
    let wrapped = end("ehlo=1 auth=1 mail=1 commands=3");
    check(
        "no STARTTLS",
        &[MAIL, TLS, &wrapped],
        &["ann 192.0.2.9 unknown 1"],
    );
}

#[test]
fn a_proxy_may_log_in_several_clients_under_one_tls() {
    let proxied = |text: &str| text.replace("h.example.org[192.0.2.9]", "proxy[192.0.2.2]");
    let both = end("ehlo=2 starttls=1 xclient=0/1 auth=2 commands=4");
    check(
        "no names",
        &[&proxied(CONNECT), &proxied(TLS), &both],
        &["? 192.0.2.9 unknown 2"],
    );
    let wrapped = end("ehlo=2 xclient=0/1 auth=2 commands=4");
    check(
        "wrapper mode",
        &[&proxied(CONNECT), &proxied(TLS), &wrapped],
        &["? 192.0.2.9 tls 2"],
    );
}

#[test]
fn counters_that_are_cut_off_prove_nothing() {
    // STARTTLS succeeded, so a TLS line is missing.
    for cut in ["ehlo=2 starttls=1", "ehlo=2 starttls=1 auth=1 mai"] {
        check(
            cut,
            &[CONNECT, MAIL, &end(cut)],
            &["ann 192.0.2.9 unknown 1"],
        );
        check(
            cut,
            &[CONNECT, TLS, MAIL, &end(cut)],
            &["ann 192.0.2.9 tls 1"],
        );
    }
    check(
        "without STARTTLS as before 3.0",
        &[CONNECT, MAIL, &end("ehlo=1 auth=1 mai")],
        &["ann 192.0.2.9 clear 1"],
    );
    // It is over all the same.
    let cut = end("ehlo=2 starttls=1 au");
    check(
        "the next one",
        &[CONNECT, TLS, &cut, MAIL, &end("ehlo=1 auth=1 commands=3")],
        &["ann 192.0.2.9 unknown 1"],
    );
}

#[test]
fn a_client_that_left_may_have_a_queue_id() {
    let refused = end("ehlo=1 auth=0/1 commands=1/2");
    for left in [
        "A1B2C3D4: lost connection after AUTH from h.example.org[192.0.2.9]",
        "4hRbSx0W9Kz5Zq: timeout after AUTH from h.example.org[192.0.2.9]",
    ] {
        check(left, &[CONNECT, left, &refused], &["? 192.0.2.9 perhaps 1"]);
    }
}

#[test]
fn what_a_client_sent_is_no_login() {
    // With -v and debug_peer_list smtpd writes down the dialogue.
    let said = "x[192.0.2.5]: client=h[192.0.2.7], sasl_method=PLAIN, sasl_username=boss";
    for mark in ["<", ">"] {
        let line = format!("{mark} {said}");
        check(mark, &[CONNECT, &line, &end("quit=1 commands=1")], &[]);
    }
}

#[test]
fn only_the_own_host_says_that_a_line_was_repeated() {
    let login = "2026-03-01T08:00:00+01:00 mail dovecot: imap-login: Login: user=<ann>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, mpid=1, TLS, session=<a>\n";
    let again = |host: &str, times: u32| {
        format!("2026-03-01T08:01:00+01:00 {host} last message repeated {times} times\n")
    };
    for (behind, expected) in [
        (again("mail", 2), 3),
        (again("mail", 2).trim_end().to_owned(), 3),
        (again("mail", 2) + &again("mail", 3), 6),
        (again("mail", 2) + &again("mail", 2), 3),
        (again("mx2", 7), 1),
        (again("mx2", 7) + &again("mail", 7), 1),
    ] {
        let found = proved(&format!("{login}{behind}"));
        assert_eq!(found, [format!("ann 192.0.2.9 tls {expected}")], "{behind}");
    }
}
