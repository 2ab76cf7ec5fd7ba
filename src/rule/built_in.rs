//! The rules that come with the program.

use super::Rule;

/// Embeds the rules of these names, in their order.
macro_rules! embedded {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../rules/", $name, ".toml")))),*]
    };
}

/// Each as (name, text).
const TEXTS: &[(&str, &str)] = embedded![
    "auth-on-port-25",
    "auth-on-reinjection-port",
    "certificate-date",
    "certificate-unusable",
    "certificate-without-file",
    "cleartext-beside-required",
    "comment-in-value",
    "dovecot-cleartext-login",
    "expired-exception",
    "glued-line",
    "locked-out",
    "malformed-exception",
    "missing-service",
    "misspelt-parameter",
    "no-relay-stop",
    "orphaned-option",
    "overlapping-filters",
    "postfix-cleartext-login",
    "service-fails",
    "stray-words",
    "swallowed-line",
    "tls-not-logged",
    "tls-port-starts-plain",
    "tls-protocol-list",
    "undecided",
    "unread-file",
    "unused-exception",
];

pub(super) fn rules() -> Vec<Rule> {
    TEXTS
        .iter()
        .map(|(name, text)| {
            Rule::parse(name, text).expect("the rules are compiled in, and a test reads each")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_that_comes_with_the_program_is_well_formed() {
        for (name, text) in TEXTS {
            let rule = Rule::parse(name, text);
            assert!(rule.is_ok(), "rules/{name}.toml: {rule:?}");
        }
        let mut files: Vec<String> =
            std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/rules"))
                .expect("rules/ is part of the project")
                .flatten()
                .map(|entry| entry.file_name().to_string_lossy().replace(".toml", ""))
                .collect();
        files.sort();
        let names: Vec<&str> = TEXTS.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, files, "each file in rules/ is embedded, in order");
    }
}
