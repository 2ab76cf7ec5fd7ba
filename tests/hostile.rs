//! Names from logs are chosen by strangers: the same attacks go through every format of `preflight` and `scan`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Each tries to become something else than a name.
const ATTACKS: [&str; 12] = [
    "\u{1b}]0;owned\u{7}\u{1b}[2J",
    "\u{9b}31mred",
    "a\u{202e}gro.elpmaxe@b\u{2066}",
    "</bdi></td><script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd",
    "-2+3",
    "`code` | [link](javascript:alert(1)) **b**",
    "::error file=x::owned",
    "a\u{2028}b\u{feff}c",
    "%0a::warning::x",
];

/// A server without TLS, and a log in which each attack is an account and a mail program.
fn server(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&root);
    let main = "compatibility_level = 2\nsmtpd_sasl_auth_enable = yes\nsmtpd_tls_loglevel = 1\nsmtpd_tls_security_level = may\n\
                smtpd_tls_cert_file = /etc/ssl/mail.pem\nsmtpd_relay_restrictions = permit_sasl_authenticated, reject\n";
    let master = "submission inet n - n - - smtpd\ntlsmgr unix - - n 1000? 1 tlsmgr\nproxymap unix - - n - - proxymap\n";
    let mut log = String::new();
    for (number, attack) in ATTACKS.iter().enumerate() {
        let line = |program: &str, text: &str| {
            format!(
                "2026-10-29T07:00:0{}+01:00 mail {program}: {text}\n",
                number % 10
            )
        };
        let smtpd = format!("postfix/smtpd[{}]", 100 + number);
        log.push_str(&line(
            &smtpd,
            &format!("connect from unknown[192.0.2.{number}]"),
        ));
        log.push_str(&line(
            &smtpd,
            &format!("4Q{number}: client=unknown[192.0.2.{number}], sasl_method=LOGIN, sasl_username={attack}"),
        ));
        log.push_str(&line(
            "postfix/cleanup[99]",
            &format!("4Q{number}: info: header User-Agent: {attack} from unknown[192.0.2.{number}]; from=<> to=<x> proto=ESMTP helo=<{attack}>"),
        ));
        log.push_str(&line(
            &smtpd,
            &format!("disconnect from unknown[192.0.2.{number}]"),
        ));
    }
    for (file, text) in [
        ("etc/postfix/main.cf", main),
        ("etc/postfix/master.cf", master),
        ("maillog", &log),
    ] {
        let path = root.join(file);
        fs::create_dir_all(path.parent().expect("it lies in the root"))
            .and_then(|()| fs::write(&path, text))
            .expect("the build directory is writable");
    }
    root
}

fn said(words: &[&str], root: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_plainsight"))
        .args(words)
        .arg("--log")
        .arg(root.join("maillog"))
        .args(["--postfix-version", "3.7.11"])
        .output()
        .expect("the program was built for this test");
    let text = String::from_utf8(output.stdout).expect("what is printed is text");
    assert!(text.len() > 100, "{words:?}: {text}");
    text
}

/// Nothing that moves a cursor, turns text around or hides in it.
fn is_plain(text: &str) -> bool {
    !text.chars().any(|c| {
        c.is_control() && !matches!(c, '\n' | '\t' | '\r')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    })
}

#[test]
fn no_format_lets_a_name_act() {
    let root = server("hostile");
    let path = root.to_str().expect("the build directory has a plain name");
    for format in ["text", "json", "html", "markdown", "csv"] {
        let text = said(&["preflight", path, "--format", format], &root);
        assert!(is_plain(&text), "{format}: {text}");
    }
    for format in ["text", "json"] {
        let text = said(&["scan", "--root", path, "--format", format], &root);
        assert!(is_plain(&text), "{format}: {text}");
    }
}

#[test]
fn html_holds_no_element_of_strangers() {
    let root = server("hostile-html");
    let page = said(
        &[
            "preflight",
            root.to_str().expect("plain"),
            "--format",
            "html",
        ],
        &root,
    );
    let body = &page[page.find("<body>").expect("the page has a body")..];
    assert_eq!(body.matches("<script").count(), 1, "only our own");
    assert!(!body.contains("<img"));
    assert!(page.contains("default-src 'none'"));
    assert!(body.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
}

#[test]
fn csv_cells_are_no_formulas() {
    let root = server("hostile-csv");
    let table = said(
        &[
            "preflight",
            root.to_str().expect("plain"),
            "--format",
            "csv",
        ],
        &root,
    );
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let mut rows = 0;
    for row in reader.records() {
        let row = row.expect("it is CSV");
        rows += 1;
        for cell in &row {
            assert!(
                !cell.starts_with(['=', '+', '-', '@', '\t', '\r']),
                "{cell}"
            );
        }
    }
    assert_eq!(rows, ATTACKS.len());
}

#[test]
fn markdown_rows_stay_rows() {
    let root = server("hostile-markdown");
    let text = said(
        &[
            "preflight",
            root.to_str().expect("plain"),
            "--format",
            "markdown",
        ],
        &root,
    );
    let rows: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("| smtp |"))
        .collect();
    assert_eq!(rows.len(), ATTACKS.len());
    for row in rows {
        assert_eq!(row.matches('|').count(), 9, "{row}");
        // All of a stranger's words are within code spans, where nothing is read as markup.
        let outside: String = row.split('`').step_by(2).collect();
        assert!(!outside.contains(['<', '[', '*', '@', '=']), "{row}");
    }
}
