//! The report of `preflight` as one HTML page: no network, no script needed to read it.
//!
//! Every text that is not ours passes `plain::html`. The policy in its head forbids the page to load anything; the script only
//! sorts tables. `clients` and `pictures` are sections of it; `table` and `chart` are what these are made of.

mod chart;
mod clients;
mod pictures;
mod table;

use std::io::{self, Write};

use bstr::ByteSlice;

use crate::impact::{Decision, Impact};
use crate::surface::{Endpoint, Verdict};

use super::answer::Answer;
use super::endpoint::port;
use super::plain::html;
use clients::write_clients;
use pictures::write_pictures;
use table::{Cells, Column, NOTHING, account, name, time, write_table};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("sort.js");

/// For whoever is shown the page and has never met the question.
const MEANING: &str = "<p>Whoever is on the way can read a password that is sent without TLS. \
    After the change below the server takes passwords under TLS only; a program that is not set to TLS by then cannot log in.</p>";

/// Writes one section.
type Section = fn(&mut dyn Write, &Answer<'_>) -> io::Result<()>;

/// Writes the page.
///
/// # Errors
/// What the writer says.
pub fn write(out: &mut dyn Write, answer: &Answer<'_>) -> io::Result<()> {
    let (word, class) = match answer.preflight.decision {
        Decision::Go => ("GO", "go"),
        Decision::NoGo => ("NO-GO", "no-go"),
        Decision::CannotTell => ("CANNOT TELL", "cannot-tell"),
    };
    writeln!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>{word}: TLS for every login</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#decision\">to the decision</a>"
    )?;
    writeln!(
        out,
        "<header><h1>May TLS be enforced for every login at {}?</h1></header>\n<main>",
        name(answer.before.root.shown.display().to_string().as_bytes())
    )?;
    writeln!(
        out,
        "<section id=\"decision\" class=\"decision {class}\">\n<strong>{word}</strong>\n<ul>"
    )?;
    for reason in &answer.preflight.reasons {
        writeln!(out, "<li>{}</li>", html(reason.as_bytes()))?;
    }
    writeln!(out, "</ul>")?;
    if let Some(next) = answer.next() {
        writeln!(out, "<p>Next: {}</p>", html(next.as_bytes()))?;
    }
    if let Some(sentence) = answer.preflight.hosts.sentence() {
        writeln!(out, "<p>The logs are {}.</p>", html(sentence.as_bytes()))?;
    }
    writeln!(out, "</section>")?;
    if !answer.patch.is_empty() {
        writeln!(out, "{MEANING}")?;
    }
    let sections: [(&str, &str, Section); 6] = [
        ("who", "Who is affected", write_clients),
        ("endpoints", "Endpoints before and after", write_endpoints),
        ("change", "The change", write_change),
        ("pictures", "Week by week, hour by hour", write_pictures),
        ("minimum", "Newer versions of TLS", write_minima),
        ("evidence", "What this rests on", write_evidence),
    ];
    writeln!(out, "<nav aria-label=\"Sections\"><ul>")?;
    for (id, title, _) in sections {
        writeln!(out, "<li><a href=\"#{id}\">{title}</a></li>")?;
    }
    writeln!(out, "</ul></nav>")?;
    for (id, title, section) in sections {
        writeln!(
            out,
            "<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{title}</h2>"
        )?;
        section(out, answer)?;
        writeln!(out, "</section>")?;
    }
    writeln!(
        out,
        "</main>\n<footer>plainsight {}</footer>\n<script>\n{SCRIPT}</script>\n</body>\n</html>",
        env!("CARGO_PKG_VERSION")
    )
}

fn write_endpoints(out: &mut dyn Write, answer: &Answer<'_>) -> io::Result<()> {
    let columns: [Column; 6] = [
        ("Server", Cells::Short),
        ("Service", Cells::Text),
        ("Port", Cells::Short),
        ("Now", Cells::Short),
        ("After", Cells::Short),
        ("Decided by", Cells::Text),
    ];
    let rows = answer.before.endpoints.iter().map(|endpoint| {
        let after = answer
            .preflight
            .endpoints_after
            .iter()
            .find(|after| after.id() == endpoint.id() && after.versions == endpoint.versions);
        vec![
            endpoint.server.to_string(),
            name(endpoint.service.as_bytes()),
            html(port(endpoint).as_bytes()),
            verdict(&endpoint.verdict),
            after.map_or_else(|| NOTHING.to_owned(), |after| verdict(&after.verdict)),
            because(endpoint),
        ]
    });
    write_table(
        out,
        "Every place where a client can log in, without TLS",
        &columns,
        rows.collect(),
    )
}

fn verdict(verdict: &Verdict) -> String {
    let class = match verdict {
        Verdict::TlsOnly | Verdict::NoAuth => "good",
        Verdict::Cleartext | Verdict::LockedOut | Verdict::Fails(_) => "bad",
        Verdict::Challenge | Verdict::Unknown(_) => "open",
    };
    format!("<span class=\"badge {class}\">{}</span>", verdict.word())
}

fn because(endpoint: &Endpoint) -> String {
    let settings = endpoint.because.iter().map(|one| {
        format!(
            "{} = {}",
            name(one.setting.as_bytes()),
            name(one.value.as_bytes())
        )
    });
    settings.collect::<Vec<_>>().join("<br>")
}

fn write_change(out: &mut dyn Write, answer: &Answer<'_>) -> io::Result<()> {
    if answer.patch.is_empty() {
        return writeln!(out, "<p>Nothing is left to change.</p>");
    }
    let apply = answer.invocation.apply(&answer.before.root);
    writeln!(
        out,
        "<p><code>{}</code> makes it, and takes it back with <code>--revert</code>. \
         As a patch it is for <code>patch -p1</code> or <code>git apply</code>.</p>",
        html(apply.as_bytes())
    )?;
    write!(out, "<pre><code>")?;
    for line in answer.patch.lines() {
        let text = html(line);
        match line.first() {
            Some(b'+') => writeln!(out, "<ins>{text}</ins>")?,
            Some(b'-') => writeln!(out, "<del>{text}</del>")?,
            Some(_) | None => writeln!(out, "{text}")?,
        }
    }
    writeln!(out, "</code></pre>")
}

fn write_minima(out: &mut dyn Write, answer: &Answer<'_>) -> io::Result<()> {
    for minimum in &answer.preflight.minima {
        let version = minimum.version;
        if minimum.breaks.is_empty() {
            writeln!(
                out,
                "<p>At a minimum of {version} nobody who was seen with a version would break.</p>"
            )?;
            continue;
        }
        let columns: [Column; 4] = [
            ("Account", Cells::Text),
            ("Protocol", Cells::Short),
            ("Client", Cells::Short),
            ("Seen with", Cells::Short),
        ];
        let rows = minimum.breaks.iter().map(|older| {
            vec![
                account(older.account.as_ref()),
                older.protocol.to_string(),
                name(&older.client),
                name(&older.tls_version),
            ]
        });
        write_table(
            out,
            &format!("Would break at a minimum of {version}"),
            &columns,
            rows.collect(),
        )?;
    }
    Ok(())
}

fn write_evidence(out: &mut dyn Write, answer: &Answer<'_>) -> io::Result<()> {
    let window = &answer.evidence.window;
    let lines = answer.evidence.lines;
    writeln!(
        out,
        "<p>Logs from {} to {}, {} lines, of which {} are of login servers.</p>",
        time(window.first),
        time(window.last),
        lines.read,
        lines.candidate
    )?;
    if !window.gaps.is_empty() {
        writeln!(out, "<p>Days without a line:</p>\n<ul>")?;
        for (first, last) in &window.gaps {
            writeln!(out, "<li>{} to {}</li>", first.day(), last.day())?;
        }
        writeln!(out, "</ul>")?;
    }
    for warning in &answer.evidence.warnings {
        writeln!(out, "<p class=\"open\">{}</p>", html(warning.as_bytes()))?;
    }
    let columns: [Column; 3] = [
        ("Service", Cells::Text),
        ("Silence about TLS proves", Cells::Text),
        ("Why", Cells::Text),
    ];
    let rows = answer.evidence.calibration.iter().map(|one| {
        vec![
            name(&one.service),
            if one.silence_proves {
                "no TLS"
            } else {
                "nothing"
            }
            .to_owned(),
            html(one.why.as_bytes()),
        ]
    });
    write_table(
        out,
        "What the silence of each service means",
        &columns,
        rows.collect(),
    )?;
    let unknown = answer.clients(Impact::Unknown).count();
    if unknown > 0 {
        writeln!(
            out,
            "<p>Missing is unknown: nothing was guessed about {unknown} clients.</p>"
        )?;
    }
    Ok(())
}
