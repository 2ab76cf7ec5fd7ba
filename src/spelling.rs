//! A misspelling: the known word that somebody probably meant.

/// The word among `known` that is nearest to `word`, if one is near enough to be meant: in short words one letter, in
/// longer ones two are wrong, missing, too many, or stand in the wrong order. Of several equally near ones the first.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = (word.len() / 3).min(2);
    let mut best: Option<(usize, &str)> = None;
    for candidate in known {
        if candidate.len().abs_diff(word.len()) > most {
            continue;
        }
        if let Some(distance) = distance(word.as_bytes(), candidate.as_bytes(), most)
            && best.is_none_or(|(least, _)| distance < least)
        {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// "did you mean a or b?": the nearest word, else those that hold this one or a part of it; none where there is none.
pub fn hint<'a>(word: &str, known: impl Iterator<Item = &'a str> + Clone) -> Option<String> {
    const MOST: usize = 4;
    if let Some(meant) = nearest(word, known.clone()) {
        return Some(format!("did you mean {meant}?"));
    }
    let singular = word.strip_suffix('s').filter(|stem| stem.len() > 3);
    let stem = singular.unwrap_or(word);
    let meant: Vec<&str> = known.filter(|known| known.contains(stem)).collect();
    match &meant[..] {
        [] => None,
        _ if stem.len() < 3 || meant.len() > MOST => None,
        [only] => Some(format!("did you mean {only}?")),
        [others @ .., last] => Some(format!("did you mean {} or {last}?", others.join(", "))),
    }
}

/// How many letters to put in, take out, change or swap with their neighbour make one word the other, if no more than `most`.
///
/// Most words differ early from most others, so that for most of them a few letters are looked at and nothing is kept:
/// a file of strangers can hold thousands of names, each to be held against every parameter there is.
fn distance(some: &[u8], other: &[u8], most: usize) -> Option<usize> {
    let same = some.iter().zip(other).take_while(|(a, b)| a == b).count();
    let (some, other) = (&some[same..], &other[same..]);
    if some.is_empty() || other.is_empty() {
        let left = some.len().max(other.len());
        return (left <= most).then_some(left);
    }
    let most = most.checked_sub(1)?;
    let swapped = match (some, other) {
        ([a, b, some @ ..], [c, d, other @ ..]) if a == d && b == c => distance(some, other, most),
        _ => None,
    };
    let ways = [
        swapped,
        distance(&some[1..], &other[1..], most),
        distance(&some[1..], other, most),
        distance(some, &other[1..], most),
    ];
    ways.into_iter().flatten().min().map(|rest| rest + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_fingers_are_near() {
        let known = ["smtpd_tls_auth_only", "smtpd_use_tls", "versions", "ssl"];
        for (word, meant) in [
            ("smtpd_tsl_auth_only", Some("smtpd_tls_auth_only")),
            ("smtpd_tls_authonly", Some("smtpd_tls_auth_only")),
            ("version", Some("versions")),
            ("sls", Some("ssl")),
            ("mine", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), meant, "{word}");
        }
    }

    #[test]
    fn a_part_of_a_word_is_enough_of_a_hint() {
        let known = [
            "orphaned-option",
            "tls-port-starts-plain",
            "tls-protocol-list",
        ];
        for (word, hint_) in [
            ("orphaned-options", Some("did you mean orphaned-option?")),
            ("protocols", Some("did you mean tls-protocol-list?")),
            (
                "tls",
                Some("did you mean tls-port-starts-plain or tls-protocol-list?"),
            ),
            ("cleartext", None),
            ("s", None),
        ] {
            assert_eq!(hint(word, known.into_iter()).as_deref(), hint_, "{word}");
        }
    }

    #[test]
    fn every_slip_counts_once() {
        for (a, b, far) in [
            ("", "abc", 3),
            ("abc", "acb", 1),
            ("abc", "abd", 1),
            ("abc", "xabc", 1),
        ] {
            assert_eq!(
                distance(a.as_bytes(), b.as_bytes(), 3),
                Some(far),
                "{a} {b}"
            );
            assert_eq!(
                distance(b.as_bytes(), a.as_bytes(), 3),
                Some(far),
                "{b} {a}"
            );
            assert_eq!(distance(a.as_bytes(), b.as_bytes(), far - 1), None);
        }
    }
}
