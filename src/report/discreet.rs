//! Discreet text: what may be shown to everybody who sees a pull request, without addresses of people or clients.

use std::net::{IpAddr, Ipv6Addr};

use ipnet::IpNet;

/// What stands in place of an address.
const HIDDEN: &str = "[address]";

/// The text without mail addresses, IP addresses and networks; those of the machine itself stay.
pub(super) fn discreet(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut word = String::new();
    for c in text.chars() {
        if c.is_whitespace() || ",;()\"'<>={}[]|".contains(c) {
            out.push_str(&hide(&word));
            word.clear();
            out.push(c);
        } else {
            word.push(c);
        }
    }
    out.push_str(&hide(&word));
    out
}

/// A word, or what may be shown of it.
fn hide(word: &str) -> String {
    let at = word.find('@');
    if at.is_some_and(|at| at > 0 && at + 1 < word.len()) {
        return HIDDEN.to_owned();
    }
    let bare = word.trim_end_matches(['.', ':', '!', '?']);
    if is_foreign(bare) {
        return format!("{HIDDEN}{}", &word[bare.len()..]);
    }
    if !word.contains(':') {
        return word.to_owned();
    }
    // `192.0.2.1:25`, or an endpoint's id with an address in it.
    let parts: Vec<&str> = word.split(':').collect();
    for length in (1..parts.len()).rev() {
        for start in 0..=parts.len() - length {
            let inner = parts[start..start + length].join(":");
            if is_foreign(&inner) {
                let mut shown: Vec<String> = vec![parts[..start].join(":")];
                shown.push(HIDDEN.to_owned());
                shown.push(hide(&parts[start + length..].join(":")));
                shown.retain(|part| !part.is_empty());
                return shown.join(":");
            }
        }
    }
    word.to_owned()
}

/// Whether it is an address or network other than the machine's own.
fn is_foreign(text: &str) -> bool {
    let address = text.parse::<IpNet>().map(|net| net.addr());
    let address = address.or_else(|_| text.parse::<IpAddr>());
    address.is_ok_and(|address| {
        let own = address.is_loopback() || address.is_unspecified();
        // Words such as `::` or `a::` are no addresses that somebody has.
        let real = match address {
            IpAddr::V4(_) => true,
            IpAddr::V6(six) => six.segments().iter().filter(|part| **part != 0).count() > 1,
        };
        !own && real && address != IpAddr::V6(Ipv6Addr::UNSPECIFIED)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_hidden_and_the_machines_own_stay() {
        for (text, shown) in [
            (
                "mynetworks = 192.0.2.0/24, 127.0.0.0/8",
                "mynetworks = [address], 127.0.0.0/8",
            ),
            ("dora@example.org may.", "[address] may."),
            (
                "smtp on 198.51.100.7:25: open",
                "smtp on [address]:25: open",
            ),
            (
                "dovecot:imap-login/imap:2001:db8::1:143",
                "dovecot:imap-login/imap:[address]",
            ),
            ("from 2001:db8::/32.", "from [address]."),
            (
                "127.0.0.1:10025 inet on port 10025",
                "127.0.0.1:10025 inet on port 10025",
            ),
            ("[::1] and *", "[::1] and *"),
            ("a <b@c> d", "a <[address]> d"),
            ("Postfix 3.7.11: x = y:z", "Postfix 3.7.11: x = y:z"),
        ] {
            assert_eq!(discreet(text), shown);
        }
    }
}
