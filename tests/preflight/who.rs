//! Who is who: one account is named once, and nobody is given a stranger's mail program.

use std::fs;
use std::path::{Path, PathBuf};

use super::shared::{Said, place, write};

/// A server of example.org with an account that logs in to both programs without TLS; settings are added to each.
fn server(name: &str, postfix: &str, dovecot: &str, log: &str) -> PathBuf {
    let main = format!(
        "compatibility_level = 2\nmyhostname = mail.example.org\nsmtpd_sasl_auth_enable = yes\nsmtpd_tls_loglevel = 1\n\
         smtpd_tls_security_level = may\nsmtpd_tls_cert_file = /etc/ssl/mail.pem\nsmtpd_client_restrictions = permit_sasl_authenticated, reject\n{postfix}"
    );
    let master = "submission inet n - n - - smtpd\n  -o syslog_name=postfix/submission\n\
                  tlsmgr unix - - n 1000? 1 tlsmgr\nproxymap unix - - n - - proxymap\n";
    let dovecot = format!(
        "protocols = imap\nssl_cert = </etc/ssl/mail.pem\nssl_key = </etc/ssl/mail.key\nssl = yes\n{dovecot}"
    );
    place(
        name,
        &[
            ("etc/postfix/main.cf", &main),
            ("etc/postfix/master.cf", master),
            ("etc/dovecot/dovecot.conf", &dovecot),
            ("maillog", log),
        ],
    )
}

fn answer(root: &Path, arguments: &[&str]) -> Said {
    super::answer(
        root,
        &[&["--dovecot-version", "2.3.19.1"], arguments].concat(),
    )
}

const TWO_SPELLINGS: &str = "\
Nov 14 07:00:00 mail dovecot: imap-login: Login: user=<Anna>, method=PLAIN, rip=198.51.100.7, lip=192.0.2.1, mpid=1, session=<a>
Nov 14 08:00:00 mail dovecot: imap-login: Login: user=<anna>, method=PLAIN, rip=198.51.100.7, lip=192.0.2.1, mpid=2, session=<b>
Nov 14 09:00:00 mail dovecot: imap-login: Login: user=<anna>, method=PLAIN, rip=198.51.100.7, lip=192.0.2.1, mpid=2, TLS, session=<b>
";

#[test]
fn one_account_in_two_spellings_is_named_once_where_dovecot_takes_it_for_one() {
    let clear = "disable_plaintext_auth = no\n";
    let (_, out, _) = answer(&server("spelling-one", "", clear, TWO_SPELLINGS), &[]);
    assert!(out.starts_with("NO-GO: 1 account would break"), "{out}");
    assert!(!out.contains("Anna"), "{out}");
    assert!(
        out.contains("anna     imap      198.51.100.7  -          2  "),
        "{out}"
    );
    // An acceptance may name it in any way.
    let root = server("spelling-accepted", "", clear, TWO_SPELLINGS);
    let (code, out, err) = answer(&root, &["--accept", "ANNA"]);
    assert!(out.contains("accepted"), "{out}");
    assert!(!err.contains("nobody of that name"), "{err}");
    assert_eq!(code, Some(1), "Postfix logged in nobody: {out}");
    let as_typed = format!("{clear}auth_username_format = %u\n");
    let (_, out, _) = answer(&server("spelling-two", "", &as_typed, TWO_SPELLINGS), &[]);
    assert!(out.starts_with("NO-GO: 2 accounts would break"), "{out}");
}

#[test]
fn postfix_has_dovecots_spelling_only_where_it_asks_dovecot() {
    let log = "\
Nov 14 07:00:07 mail postfix/submission/smtpd[1]: connect from pc[192.0.2.50]
Nov 14 07:00:07 mail postfix/submission/smtpd[1]: 9AE13C0073: client=pc[192.0.2.50], sasl_method=LOGIN, sasl_username=Ben
Nov 14 07:00:08 mail postfix/submission/smtpd[1]: disconnect from pc[192.0.2.50]
Nov 14 07:00:07 mail postfix/submission/smtpd[1]: connect from pc[192.0.2.50]
Nov 14 07:00:07 mail postfix/submission/smtpd[1]: 9AE13C0073: client=pc[192.0.2.50], sasl_method=LOGIN, sasl_username=ben
Nov 14 07:00:08 mail postfix/submission/smtpd[1]: disconnect from pc[192.0.2.50]
";
    for (name, postfix, accounts) in [
        (
            "sasl-dovecot",
            "smtpd_sasl_type = dovecot\n",
            "1 account would break",
        ),
        ("sasl-cyrus", "", "2 accounts would break"),
    ] {
        let (_, out, _) = answer(&server(name, postfix, "", log), &[]);
        assert!(out.contains(accounts), "{name}: {out}");
    }
}

/// Writes a Maildir with one message.
fn maildir(root: &Path, folder: &str, message: &str) {
    write(&root.join(folder).join("cur/1.eml"), message);
}

#[test]
fn a_strangers_program_is_not_that_of_an_account_of_the_same_name() {
    let root = server(
        "stranger",
        "mydestination = example.org\nvirtual_alias_domains =\n",
        "disable_plaintext_auth = no\n",
        TWO_SPELLINGS,
    );
    let mail = root.join("mail");
    maildir(
        &mail,
        "ben",
        "From: anna@example.net\nX-Mailer: Stranger\n\nx\n",
    );
    let mailbox = mail.to_str().expect("the build directory is UTF-8");
    let (_, out, _) = answer(&root, &["--mailbox", mailbox]);
    assert!(!out.contains("Stranger"), "{out}");
    maildir(
        &mail,
        "anna",
        "From: anna@example.org\nX-Mailer: Own Laser\n\nx\n",
    );
    let (_, out, _) = answer(&root, &["--mailbox", mailbox]);
    assert!(
        out.contains("Own Laser") && !out.contains("Stranger"),
        "{out}"
    );
    // A table may name any domain.
    let root = server(
        "stranger-table",
        "virtual_mailbox_domains = hash:/etc/postfix/domains\n",
        "disable_plaintext_auth = no\n",
        TWO_SPELLINGS,
    );
    maildir(
        &root.join("mail"),
        "ben",
        "From: anna@example.net\nX-Mailer: Stranger\n\nx\n",
    );
    let mail = root.join("mail");
    let (_, out, _) = answer(&root, &["--mailbox", mail.to_str().expect("UTF-8")]);
    assert!(out.contains("perhaps Stranger"), "{out}");
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_read_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let root = server("closed-folder", "", "", TWO_SPELLINGS);
    let mail = root.join("mail");
    maildir(&mail, "anna", "From: anna@example.org\n\nx\n");
    maildir(&mail, "closed", "From: ben@example.org\n\nx\n");
    let closed = mail.join("closed");
    let mode = |mode: u32| {
        fs::set_permissions(&closed, fs::Permissions::from_mode(mode)).expect("it is ours");
    };
    mode(0);
    let hindered = fs::read_dir(&closed).is_err();
    let (_, _, err) = answer(&root, &["--mailbox", mail.to_str().expect("UTF-8")]);
    mode(0o700);
    // The superuser may read it all the same.
    assert_eq!(
        err.contains("closed: ") && err.contains("is not counted"),
        hindered,
        "{err}"
    );
}

/// Lines of logins of `number` accounts at the submission service, which `client` tells and says how.
fn submissions(number: usize, client: &str) -> String {
    (0..number)
        .map(|account| {
            let at = format!("Nov 14 07:00:07 mail postfix/submission/smtpd[{account}]:");
            let client = client.replace("{}", &account.to_string());
            format!(
                "{at} connect from front[192.0.2.3]\n{at} 9AE13C0073: client={client}, sasl_username=user{account}\n\
                 {at} disconnect from front[192.0.2.3]\n"
            )
        })
        .collect()
}

#[test]
fn what_many_accounts_have_in_common_is_named_once() {
    let xclient = "pc[198.51.100.{}], sasl_method=XCLIENT";
    let proxied = "pc[198.51.100.{}], sasl_method=PLAIN";
    let webmail = "web[192.0.2.3], sasl_method=PLAIN";
    let proxy = "smtpd_upstream_proxy_protocol = haproxy\n";
    let relays = "smtpd_client_restrictions =\nmynetworks = 192.0.2.0/24\n";
    for (name, postfix, client, begins, row) in [
        (
            "cause-xclient",
            "",
            xclient,
            "NO-GO: 6 accounts would break, all through a front end",
            "6 accounts  smtp      -",
        ),
        (
            "cause-proxy",
            proxy,
            proxied,
            "NO-GO: 6 accounts would break, all through a front end",
            "6 accounts  smtp      -",
        ),
        (
            "cause-webmail",
            "",
            webmail,
            "NO-GO: 6 accounts would break, all behind 192.0.2.3, so a webmail",
            "6 accounts  smtp      192.0.2.3",
        ),
        (
            "cause-relays",
            relays,
            webmail,
            "NO-GO: the login processes of Dovecot logged in nobody here",
            "6 accounts  smtp      192.0.2.3",
        ),
    ] {
        let root = server(
            name,
            postfix,
            "disable_plaintext_auth = no\n",
            &submissions(6, client),
        );
        let (_, out, _) = answer(&root, &[]);
        assert!(out.starts_with(begins), "{name}: {out}");
        assert!(out.contains(row), "{name}: {out}");
        assert!(!out.contains("user3"), "{name}: {out}");
    }
}

/// A program that insists on a login does not send without one (the live sessions), so this is said beside the GO.
#[test]
fn that_a_login_is_lost_is_said_where_nobody_breaks() {
    let relays = "smtpd_client_restrictions =\nmynetworks = 192.0.2.0/24\n";
    let log = submissions(2, "web[192.0.2.3], sasl_method=PLAIN")
        + TWO_SPELLINGS.lines().last().unwrap_or_default();
    let (code, out, _) = answer(
        &server("relays-said", relays, "ssl = required\n", &log),
        &[],
    );
    assert!(out.starts_with("GO: nobody would break"), "{out}");
    assert!(
        out.contains(
            "2 accounts in mynetworks lose the login and send on only with programs that do without"
        ),
        "{out}"
    );
    assert_eq!(code, Some(0));
}
