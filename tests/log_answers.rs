//! Logs that were made with their answers are read exactly, in every form, packed, rotated and with any number of threads.

#[path = "../benches/maker/mod.rs"]
mod maker;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use maker::{Answers, Form, Plan};
use plainsight::evidence::Evidence;
use plainsight::log::{self, Named, Options};

fn plan(form: Form) -> Plan {
    Plan {
        seed: 7,
        bytes: 3 << 20,
        accounts: 2000,
        // About a quarter of the lines are of login servers, so that some stretches are searched and others walked through.
        others: 9,
        form,
    }
}

fn made(form: Form) -> (Vec<u8>, Answers) {
    let mut text = Vec::new();
    let answers = maker::make(plan(form), &mut text).expect("memory");
    (text, answers)
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _absent = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder for the test");
    folder
}

fn scan(paths: &[PathBuf], threads: usize) -> Evidence {
    let options = Options {
        threads,
        year: Some(2026),
        ..Options::default()
    };
    let named: Vec<Named> = paths.iter().cloned().map(Named::Path).collect();
    log::scan(&named, &options).expect("the files are there")
}

fn found(evidence: &Evidence) -> BTreeMap<(String, String, String, String, String), u64> {
    let mut found = BTreeMap::new();
    for row in evidence.rows.iter().chain(&evidence.anonymous) {
        let key = (
            row.way.host.to_string(),
            row.way.protocol.to_string(),
            row.account
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            row.client.to_string(),
            row.way.transport.word().to_owned(),
        );
        *found.entry(key).or_default() += row.logins;
    }
    found
}

#[track_caller]
fn assert_answers(evidence: &Evidence, answers: &Answers) {
    let found = found(evidence);
    let wanted: BTreeMap<_, _> = answers
        .iter()
        .map(|((host, protocol, account, client, how), count)| {
            let key = (
                host.clone(),
                (*protocol).to_owned(),
                account.clone(),
                client.clone(),
                (*how).to_owned(),
            );
            (key, *count)
        })
        .collect();
    let differing: Vec<_> = wanted
        .keys()
        .chain(found.keys())
        .filter(|key| wanted.get(*key) != found.get(*key))
        .take(5)
        .map(|key| (key, wanted.get(key), found.get(key)))
        .collect();
    assert!(differing.is_empty(), "{differing:#?}");
    assert_eq!(evidence.lines.unparsed, 0);
}

#[test]
fn every_form_is_exact() {
    let folder = folder("forms");
    for (form, name) in [
        (Form::Bsd, "mail.log"),
        (Form::Rfc3339, "mail.iso"),
        (Form::Journal, "mail.json"),
    ] {
        let (text, answers) = made(form);
        let path = folder.join(name);
        fs::write(&path, &text).expect("a file for the test");
        let evidence = scan(&[path], 1);
        assert_answers(&evidence, &answers);
        let lines = text.iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(evidence.lines.read, lines as u64);
        let example = evidence.rows[0].example.clone().expect("an example");
        let line = text
            .split(|byte| *byte == b'\n')
            .nth(usize::try_from(example.line).expect("small") - 1)
            .expect("the line");
        let account = evidence.rows[0].account.clone().expect("an account");
        let line = String::from_utf8_lossy(line);
        assert!(line.contains(&account.to_string()), "{line}");
    }
}

#[test]
fn rotation_packing_and_threads_change_nothing() {
    let folder = folder("rotated");
    let (text, answers) = made(Form::Rfc3339);
    let whole = folder.join("whole.log");
    fs::write(&whole, &text).expect("a file for the test");
    let mut cuts: Vec<usize> = (1..5).map(|part| text.len() * part / 5).collect();
    for cut in &mut cuts {
        *cut += text[*cut..]
            .iter()
            .position(|byte| *byte == b'\n')
            .expect("a line")
            + 1;
    }
    cuts.push(text.len());
    let mut start = 0;
    for (number, cut) in cuts.into_iter().enumerate() {
        let part = &text[start..cut];
        start = cut;
        let path = match number {
            4 => folder.join("mail.log"),
            3 => folder.join("mail.log.1"),
            older => folder.join(format!("mail.log.{}.gz", 4 - older)),
        };
        let file = fs::File::create(path).expect("a file for the test");
        if number < 3 {
            let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
            packed.write_all(part).expect("room");
            packed.finish().expect("room");
        } else {
            let mut file = file;
            file.write_all(part).expect("room");
        }
    }
    let single = scan(std::slice::from_ref(&whole), 1);
    assert_answers(&single, &answers);
    let pattern = folder.join("mail.log*");
    for threads in [1, 2, 8] {
        let rotated = scan(std::slice::from_ref(&pattern), threads);
        assert_eq!(found(&rotated), found(&single));
        assert_eq!(rotated.window, single.window);
        assert_eq!(rotated.lines, single.lines);
        assert_eq!(rotated.refused.len(), single.refused.len());
    }
    // A copy of the same lines, whole or in part, adds nothing.
    let (_, half) = text.split_at(text.len() / 2);
    let half = &half[half.iter().position(|byte| *byte == b'\n').expect("a line") + 1..];
    let copy = folder.join("copy.log");
    fs::write(&copy, half).expect("a file for the test");
    let twice = scan(&[whole, copy], 2);
    assert_eq!(found(&twice), found(&single));
}
