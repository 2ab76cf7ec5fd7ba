//! A link: where a place that a report names can be opened.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::source::{Sources, Span, absolute};

use super::plain::plain_place;
use super::screen::Screen;

/// `path:line:column` of the start of a span, as a link to the file.
pub(super) fn place(screen: &Screen, sources: &Sources, span: Span) -> String {
    let address = file(screen, sources.shown_path(span.file));
    screen.link(address.as_deref(), &plain_place(sources, span))
}

/// The address of a file of this machine; none where links are not followed.
///
/// It names the machine, as the terminal may run on another one. Every byte that is not plain stands as its number, so
/// that no name of a file ends the address or begins something else.
pub(super) fn file(screen: &Screen, path: &Path) -> Option<String> {
    let host = screen.links.as_deref()?;
    let mut address = "file://".to_owned();
    push(&mut address, host.as_bytes());
    push(&mut address, absolute(path).as_os_str().as_bytes());
    Some(address)
}

fn push(address: &mut String, bytes: &[u8]) {
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            address.push(char::from(byte));
        } else {
            address.push_str(&format!("%{byte:02X}"));
        }
    }
}

/// The page of a rule, where the Debian package has put it; none where there is none.
pub(super) fn rule(screen: &Screen, id: &str) -> Option<String> {
    const PAGES: &str = "/usr/share/doc/plainsight/docs/rules";
    screen.links.as_ref()?;
    let page = Path::new(PAGES).join(id).with_extension("md");
    let is_name = id
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (is_name && page.is_file())
        .then(|| file(screen, &page))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_of_a_file_gets_out_of_its_link() {
        let screen = Screen {
            links: Some("mx\u{7}".to_owned()),
            ..Screen::default()
        };
        let path = Path::new("/etc/a b\u{1b}\\\u{7};é%");
        let address = file(&screen, path);
        assert_eq!(
            address.as_deref(),
            Some("file://mx%07/etc/a%20b%1B%5C%07%3B%C3%A9%25")
        );
        assert_eq!(file(&Screen::default(), path), None);
    }
}
