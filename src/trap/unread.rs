//! An unread file: a part of Dovecot's configuration that lies in conf.d and that no `!include` reaches.

use std::path::{Path, PathBuf};

use crate::dovecot::{Config, ScopeId};
use crate::source::{Sources, Span};
use crate::surface::Server;
use crate::surface::server::Surface;

use super::{Trap, TrapKind};

/// The settings about logins and TLS, by their newest names; a file without them is nobody's business here.
const MATTERING: [&str; 5] = [
    "ssl",
    "auth_allow_cleartext",
    "auth_mechanisms",
    "login_trusted_networks",
    "ssl_min_protocol",
];

pub(super) fn find(surface: &Surface, traps: &mut Vec<Trap>) {
    let Some(config) = surface.dovecot.as_ref().filter(|one| !one.partial) else {
        return;
    };
    let Some(main) = config.main_file() else {
        return;
    };
    let sources = &surface.sources;
    let Some(folder) = sources.daemon_path(main).parent() else {
        return;
    };
    let read: Vec<&Path> = config
        .files
        .iter()
        .map(|file| sources.daemon_path(file.file))
        .collect();
    for path in sources.tree().list(&folder.join("conf.d")) {
        let is_part = path.extension().is_some_and(|ending| ending == "conf");
        if !is_part || read.contains(&path.as_path()) {
            continue;
        }
        if let Some(setting) = mattering_setting(surface, &path) {
            let name: PathBuf = path.components().rev().take(2).collect();
            let name: PathBuf = name.components().rev().collect();
            traps.push(Trap {
                // Where the `!include` is missing.
                span: Span::new(main, 0, 0),
                kind: TrapKind::UnreadFile,
                server: Server::Dovecot,
                detail: format!(
                    "no !include reaches {}, so its \"{setting}\" is not in force",
                    name.display()
                ),
            });
        }
    }
}

/// A setting in the file that would matter, the weightiest first.
fn mattering_setting(surface: &Surface, path: &Path) -> Option<String> {
    let mut sources = Sources::new(surface.sources.tree().clone());
    let file = Config::load(&mut sources, path);
    MATTERING.iter().find_map(|name| {
        let found = file.winner(name, ScopeId::GLOBAL)?;
        Some(format!("{} = {}", found.key, found.text))
    })
}
