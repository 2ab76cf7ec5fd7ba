//! A new entry: the text of an `[[ignore]]`, put into a project file without touching what stands there.

use toml_edit::Document;

use super::{NAME, Project};

/// What a new `[[ignore]]` says; what is none is left out.
#[derive(Clone, Debug, Default)]
pub struct NewIgnore<'a> {
    /// The rule.
    pub rule: &'a str,
    /// Which servers, as a pattern.
    pub server: Option<&'a str>,
    /// Which endpoints, as a pattern.
    pub endpoint: Option<&'a str>,
    /// In which files, as a pattern.
    pub file: Option<&'a str>,
    /// The one finding of this fingerprint.
    pub fingerprint: Option<&'a str>,
    /// Why.
    pub reason: &'a str,
    /// Who looks after it.
    pub owner: Option<&'a str>,
    /// The last day on which it holds.
    pub until: Option<jiff::civil::Date>,
}

impl NewIgnore<'_> {
    /// The text of a project file with this entry behind the last of its kind, and the line on which the entry begins.
    /// Every byte that stands there stays.
    ///
    /// # Errors
    /// Says why the file does not take it.
    pub fn put_into(&self, text: &str) -> Result<(String, usize), String> {
        let ending = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let at = self.place(text)?;
        let (before, behind) = text.split_at(at);
        let mut new = before.to_owned();
        if !new.is_empty() && !new.ends_with('\n') {
            new.push_str(ending);
        }
        if !new.is_empty() && !new.ends_with(&format!("{ending}{ending}")) {
            new.push_str(ending);
        }
        let line = new.matches('\n').count() + 1;
        for part in self.lines() {
            new.push_str(&part);
            new.push_str(ending);
        }
        new.push_str(behind);
        // The result has to say what was asked for, or it is not written.
        match Project::parse(&new) {
            Ok(project) if project.ignores.iter().any(|one| one.line == line) => Ok((new, line)),
            Ok(_) => Err(format!("{NAME} does not take the entry")),
            Err(errors) => Err(format!("{NAME}:{}", errors[0])),
        }
    }

    /// Where the entry goes: behind the last `[[ignore]]`, else to the end.
    fn place(&self, text: &str) -> Result<usize, String> {
        let document = Document::parse(text).map_err(|error| error.message().to_owned())?;
        let Some(item) = document.as_table().get("ignore") else {
            return Ok(text.len());
        };
        let Some(tables) = item.as_array_of_tables() else {
            return Err(
                "\"ignore\" is a list in brackets; write each entry under [[ignore]] instead"
                    .to_owned(),
            );
        };
        let ends = tables.iter().flat_map(|table| {
            let values = table.iter().filter_map(|(_, value)| value.span());
            values.chain(table.span()).map(|span| span.end)
        });
        let end = ends.max().unwrap_or(text.len());
        Ok(text[end..]
            .find('\n')
            .map_or(text.len(), |newline| end + newline + 1))
    }

    fn lines(&self) -> Vec<String> {
        let texts = [
            ("rule", Some(self.rule)),
            ("server", self.server),
            ("endpoint", self.endpoint),
            ("file", self.file),
            ("fingerprint", self.fingerprint),
            ("reason", Some(self.reason)),
            ("owner", self.owner),
        ];
        let given = texts
            .into_iter()
            .filter_map(|(key, text)| Some((key, text?)));
        let mut lines = vec!["[[ignore]]".to_owned()];
        lines.extend(given.map(|(key, text)| format!("{key} = {}", quoted(text))));
        lines.extend(self.until.map(|until| format!("until = {until}")));
        lines
    }
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(c);
            }
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: NewIgnore<'_> = NewIgnore {
        rule: "locked-out",
        server: Some("hosts/*"),
        endpoint: None,
        file: None,
        fingerprint: None,
        reason: "say \"when\" \\ \u{7}",
        owner: None,
        until: None,
    };

    #[test]
    fn an_entry_comes_behind_the_last_of_its_kind_and_nothing_else_changes() {
        let new = "[[ignore]]\nrule = \"locked-out\"\nserver = \"hosts/*\"\nreason = \"say \\\"when\\\" \\\\ \\u0007\"\n";
        for (before, behind) in [
            ("", ""),
            ("# ours\n[versions]\npostfix = '3.7' # stable", ""),
            (
                "[[ignore]]\nrule = \"undecided\"\nreason = \"x\"   # why\n",
                "\n[networks]\noffice = \"192.0.2.0/24\"\n",
            ),
        ] {
            let (text, line) = ENTRY
                .put_into(&format!("{before}{behind}"))
                .expect("it takes it");
            assert!(text.starts_with(before) && text.ends_with(behind), "{text}");
            assert!(text.contains(new), "{text}");
            assert_eq!(text.lines().nth(line - 1), Some("[[ignore]]"));
        }
    }

    #[test]
    fn line_endings_are_kept_and_a_list_in_brackets_is_refused() {
        let (text, _) = ENTRY
            .put_into("[versions]\r\npostfix = \"3.7\"\r\n")
            .expect("it takes it");
        assert!(!text.replace("\r\n", "").contains('\n'));
        let error = ENTRY.put_into("ignore = [{ rule = \"undecided\", reason = \"x\" }]\n");
        assert!(error.is_err_and(|error| error.contains("[[ignore]]")));
    }
}
