//! What the configuration says about the senders of its own: the server's names and the domains of its accounts.

use bstr::{BString, ByteSlice};

use crate::mailbox::Owner;
use crate::postfix::{View, words};
use crate::surface::server::Surface;

/// Where Postfix says for which domains it has accounts (postconf(5)); mydestination and virtual_mailbox_domains for accounts,
/// virtual_alias_domains for addresses of such.
const SETTINGS: [&str; 3] = [
    "mydestination",
    "virtual_mailbox_domains",
    "virtual_alias_domains",
];

/// The server as the owner of mailboxes.
pub fn owner(server: &Surface) -> Owner {
    let Some(config) = &server.postfix else {
        return Owner {
            has_more_domains: true,
            ..Owner::default()
        };
    };
    let view = config.view(None, server.postfix_version());
    let mut owner = Owner::default();
    if view.is_set("myhostname")
        && let Ok(name) = view.value("myhostname")
    {
        owner.hosts.push(name.text);
        owner.domains.extend(domain(&view));
    } else {
        // What is not set is the name of the machine, and mydomain and mydestination follow it.
        owner.has_more_domains = true;
        if view.is_set("mydomain") {
            owner.domains.extend(domain(&view));
        }
    }
    for setting in SETTINGS {
        let Ok(value) = view.value(setting) else {
            owner.has_more_domains = true;
            continue;
        };
        for word in words(&value.text) {
            // Names of files and tables have a slash or a colon.
            if word.find_byteset(b"/:").is_some() {
                owner.has_more_domains = true;
            } else {
                owner.domains.push(BString::from(word.as_bytes()));
            }
        }
    }
    owner
}

fn domain(view: &View<'_>) -> Option<BString> {
    Some(view.value("mydomain").ok()?.text)
}
