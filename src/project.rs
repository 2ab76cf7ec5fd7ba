//! The project file: what plainsight.toml says about the servers of a repository.
//!
//! It is looked for from a path upward to the root of its repository, and holds what no configuration tells:
//!
//! ```toml
//! [versions]
//! postfix = "3.7.11"
//! dovecot = "2.3.19.1"
//! ```

use std::path::{Path, PathBuf};

use crate::source::{FileTree, ReadError};
use crate::toml::Reader;
use crate::version::Version;

/// The name of the file.
pub const NAME: &str = "plainsight.toml";

/// What a plainsight.toml says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Project {
    /// The release of Postfix.
    pub postfix: Option<Version>,
    /// The release of Dovecot.
    pub dovecot: Option<Version>,
}

impl Project {
    /// Finds and reads the project file that holds for `path`; the default where there is none.
    ///
    /// # Errors
    /// Everything that is wrong with it, each as `file:line:column: message`.
    pub fn of(path: &Path) -> Result<Self, Vec<String>> {
        let Ok(absolute) = std::path::absolute(path) else {
            return Ok(Self::default());
        };
        let tree = FileTree::rooted("/");
        for directory in absolute.ancestors() {
            let file = directory.join(NAME);
            match tree.read(&file) {
                Ok(bytes) => return Self::read(&shown(&file), &bytes),
                Err(ReadError::Outside | ReadError::Missing | ReadError::NotAFile) => {}
                Err(error) => return Err(vec![format!("{}: {error}", shown(&file).display())]),
            }
            if directory.join(".git").exists() {
                break;
            }
        }
        Ok(Self::default())
    }

    fn read(file: &Path, bytes: &[u8]) -> Result<Self, Vec<String>> {
        let place = |error: &dyn std::fmt::Display| format!("{}:{error}", file.display());
        let text = std::str::from_utf8(bytes)
            .map_err(|error| vec![place(&format!(" {error}; TOML is UTF-8"))])?;
        Self::parse(text).map_err(|errors| errors.iter().map(|error| place(error)).collect())
    }

    /// Reads the text of a project file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Vec<crate::toml::TomlError>> {
        let (mut reader, document) = Reader::parse(text)?;
        let mut project = Self::default();
        reader.only(document.as_table(), NAME, &["versions"]);
        if let Some(versions) = reader.table(document.as_table(), "versions") {
            reader.only(versions, "[versions]", &["postfix", "dovecot"]);
            let mut version = |key: &str| {
                let item = versions.get(key)?;
                let text = reader.string(versions, key)?;
                let version = text.parse();
                version
                    .map_err(|why| reader.complain(item.span(), why))
                    .ok()
            };
            project.postfix = version("postfix");
            project.dovecot = version("dovecot");
        }
        if reader.errors.is_empty() {
            Ok(project)
        } else {
            Err(reader.errors)
        }
    }
}

/// The path from where the user stands, where it lies below.
fn shown(file: &Path) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    file.strip_prefix(here)
        .map_or_else(|_| file.to_path_buf(), Path::to_path_buf)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_read_and_mistakes_have_a_place() {
        let text = "[versions]\npostfix = \"3.7.11\"\n";
        assert_eq!(
            Project::parse(text),
            Ok(Project {
                postfix: Some(Version::patch(3, 7, 11)),
                dovecot: None,
            })
        );
        let text = "[version]\npostfix = 3\n[versions]\ndovecot = \"new\"\n";
        let errors = Project::parse(text).expect_err("it has two mistakes");
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(
            errors,
            [
                "1:2: unknown key \"version\" in plainsight.toml; known are versions",
                "4:11: \"new\" is not a version such as 3.7.11",
            ]
        );
    }
}
