//! A host: what logs call a server, by its path from the project file. `[hosts]` of plainsight.toml.

use glob::Pattern;
use toml_edit::TableLike;

use crate::toml::Reader;

use super::ignore::{fits, path_pattern};

/// What logs call the servers of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostNames {
    /// Which servers.
    pub server: Pattern,
    /// The names in the logs.
    pub names: Vec<String>,
}

impl HostNames {
    /// Whether it is about this server, by its path from the project file.
    pub fn is_of(&self, server: &str) -> bool {
        fits(Some(&self.server), Some(server))
    }
}

/// Reads every host.
pub(super) fn hosts(reader: &mut Reader<'_>, table: &dyn TableLike) -> Vec<HostNames> {
    let mut hosts = Vec::new();
    for (server, _) in table.iter() {
        let names = reader.texts(table, server);
        let names = names.into_iter().map(|(name, _)| name).collect();
        match path_pattern(server) {
            Ok(server) => hosts.push(HostNames { server, names }),
            Err(error) => {
                let span = table.key(server).and_then(toml_edit::Key::span);
                let why = error.msg;
                reader.complain(
                    span,
                    format!("\"{server}\" is no pattern for the path of a server: {why}"),
                );
            }
        }
    }
    hosts
}
