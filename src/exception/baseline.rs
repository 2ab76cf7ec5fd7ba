//! A baseline: the findings that were there when somebody began to look, so that only new ones count.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use crate::finding::{By, Finding, Suppression};
use crate::source::{FileTree, ReadError};

use super::{Named, mark};

/// What the file is called in itself.
const SCHEMA: &str = "plainsight/baseline/1";

/// The findings of a baseline.
#[derive(Debug, Default)]
pub struct Baseline {
    /// How often a fingerprint was there.
    fingerprints: BTreeMap<String, usize>,
}

impl Baseline {
    /// Reads the file that `--write-baseline` wrote.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn read(path: &Path) -> Result<Self, String> {
        let wrong = |why: &str| format!("{}: {why}", path.display());
        let absolute = std::path::absolute(path).map_err(|error| wrong(&error.to_string()))?;
        let bytes = FileTree::rooted("/").read(&absolute);
        let bytes = bytes.map_err(|error| match error {
            ReadError::Missing => wrong("no such file; --write-baseline writes one"),
            ReadError::Outside | ReadError::NotAFile | ReadError::TooLarge | ReadError::Io(_) => {
                wrong(&error.to_string())
            }
        })?;
        let document: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        if document["schema"] != SCHEMA {
            return Err(wrong("this is no baseline of plainsight"));
        }
        let Some(findings) = document["findings"].as_array() else {
            return Err(wrong("it holds no list of findings"));
        };
        let mut fingerprints = BTreeMap::new();
        for finding in findings {
            let fingerprint = finding["fingerprint"].as_str();
            let fingerprint = fingerprint.ok_or_else(|| wrong("a finding has no fingerprint"))?;
            *fingerprints.entry(fingerprint.to_owned()).or_default() += 1;
        }
        Ok(Self { fingerprints })
    }

    /// The baseline of these findings, without those that have an exception of their own.
    pub fn write(servers: &[Named<'_>]) -> Value {
        let mut findings: Vec<Value> = Vec::new();
        for one in servers {
            let open = |finding: &&Finding| finding.suppressed.is_none();
            findings.extend(one.findings.iter().filter(open).map(|finding| {
                json!({
                    "server": one.server,
                    "rule": finding.rule,
                    "endpoint": finding.endpoint,
                    "fingerprint": finding.fingerprint(&one.server),
                })
            }));
        }
        json!({ "schema": SCHEMA, "findings": findings })
    }

    /// Marks the findings that it holds; returns how many of its own are gone.
    pub fn apply(&self, servers: &mut [Named<'_>]) -> usize {
        let mut left = self.fingerprints.clone();
        let suppression = Suppression {
            by: By::Baseline,
            reason: String::new(),
            owner: None,
            until: None,
        };
        for one in servers {
            for finding in one.findings.iter_mut() {
                if let Some(count) = left.get_mut(&finding.fingerprint(&one.server))
                    && *count > 0
                {
                    *count -= 1;
                    mark(std::iter::once(finding), |_| true, &suppression);
                }
            }
        }
        left.values().sum()
    }
}
