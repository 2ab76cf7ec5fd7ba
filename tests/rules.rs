//! Every rule that comes with the program has its two cases, one that fires and one that does not, and its page in docs.

use std::fs;
use std::path::{Path, PathBuf};

use plainsight::report;
use plainsight::rule::Rule;

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn every_rule_has_a_case_that_fires_and_one_that_is_quiet() {
    for rule in Rule::built_in() {
        let directory = project("testdata/rules").join(&rule.id);
        let read = |name: &str| fs::read_to_string(directory.join(name)).unwrap_or_default();
        let found = format!("[{}]", rule.id);
        assert!(
            read("fires.md").contains(&found),
            "testdata/rules/{}/fires.md",
            rule.id
        );
        let quiet = read("quiet.md");
        assert!(
            quiet.contains("plainsight check .") && !quiet.contains("\n? "),
            "testdata/rules/{}/quiet.md has to be clean",
            rule.id
        );
    }
}

#[test]
fn every_built_in_rule_says_how_its_facts_were_verified_and_what_to_do() {
    for rule in Rule::built_in() {
        assert!(rule.doc.verified.is_some(), "{}: verified", rule.id);
        assert!(!rule.doc.remedies.is_empty(), "{}: remedy", rule.id);
        assert!(!rule.doc.see.is_empty(), "{}: see", rule.id);
    }
}

/// `PLAINSIGHT_DOCS=overwrite cargo test --test rules` writes the pages.
#[test]
fn the_pages_are_those_of_the_rules() {
    let directory = project("docs/rules");
    let mut pages: Vec<(String, String)> = Rule::built_in()
        .iter()
        .map(|rule| (format!("{}.md", rule.id), report::rule::page(rule)))
        .collect();
    pages.push((
        "README.md".to_owned(),
        report::rule::index(&Rule::built_in()),
    ));
    pages.sort();
    if std::env::var_os("PLAINSIGHT_DOCS").is_some() {
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).unwrap();
        for (name, page) in &pages {
            fs::write(directory.join(name), page).unwrap();
        }
    }
    let mut found: Vec<(String, String)> = fs::read_dir(&directory)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, fs::read_to_string(entry.path()).unwrap())
        })
        .collect();
    found.sort();
    assert!(
        found == pages,
        "docs/rules is stale; PLAINSIGHT_DOCS=overwrite cargo test --test rules"
    );
}
