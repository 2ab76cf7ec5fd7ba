//! The report of `preflight` as Markdown: a change request, ready to paste.

use std::collections::BTreeSet;
use std::io::{self, Write};

use bstr::ByteSlice;

use crate::impact::{Decision, Impact};
use crate::surface::Server;

use super::answer::{Answer, GROUPS, heading};
use super::endpoint::port;
use super::plain::{code, markdown, plain};

/// Writes the change request.
///
/// # Errors
/// What the writer says.
pub fn write(out: &mut dyn Write, answer: &Answer<'_>) -> io::Result<()> {
    writeln!(out, "# Accept logins only under TLS\n")?;
    let decision = match answer.preflight.decision {
        Decision::Go => "GO",
        Decision::NoGo => "NO-GO",
        Decision::CannotTell => "CANNOT TELL",
    };
    writeln!(
        out,
        "**{decision}**, by plainsight {}:\n",
        env!("CARGO_PKG_VERSION")
    )?;
    for reason in &answer.preflight.reasons {
        writeln!(out, "- {}", markdown(reason.as_bytes()))?;
    }
    if let Some(next) = answer.next() {
        writeln!(out, "\nNext: {}", markdown(next.as_bytes()))?;
    }
    if let Some(sentence) = answer.preflight.hosts.sentence() {
        writeln!(out, "\nThe logs are {}.", markdown(sentence.as_bytes()))?;
    }
    write_what(out, answer)?;
    write_affected(out, answer)?;
    write_change(out, answer)?;
    write_after(out, answer)
}

fn write_what(out: &mut dyn Write, answer: &Answer<'_>) -> io::Result<()> {
    writeln!(
        out,
        "\n## What and why\n\nPasswords must not travel in clear text. After this change the servers take a login only under TLS.\n\n\
         | server | service | port | now | after |\n|---|---|---|---|---|"
    )?;
    for endpoint in &answer.before.endpoints {
        let after = answer
            .preflight
            .endpoints_after
            .iter()
            .find(|after| after.id() == endpoint.id() && after.versions == endpoint.versions);
        writeln!(
            out,
            "| {} | {} | {} | {} | {} |",
            endpoint.server,
            code(endpoint.service.as_bytes()),
            markdown(port(endpoint).as_bytes()),
            endpoint.verdict.word(),
            after.map_or("-", |after| after.verdict.word()),
        )?;
    }
    Ok(())
}

fn write_affected(out: &mut dyn Write, answer: &Answer<'_>) -> io::Result<()> {
    writeln!(out, "\n## Who is affected")?;
    let mut nobody = true;
    for (impact, title) in GROUPS {
        match impact {
            Impact::Breaks | Impact::Unknown | Impact::Relays | Impact::Refused => {}
            Impact::Exempt | Impact::Survives => continue,
        }
        let clients: Vec<_> = answer.clients(impact).collect();
        if clients.is_empty() {
            continue;
        }
        nobody = false;
        let accounts: BTreeSet<_> = clients.iter().map(|one| one.account).collect();
        writeln!(
            out,
            "\n### {}\n\n| account | protocol | client | logins | last | when | program | told |\n|---|---|---|---|---|---|---|---|",
            heading(title, accounts.len())
        )?;
        for one in clients {
            let client = one.client;
            let name = client
                .client_name
                .as_ref()
                .map_or_else(String::new, |name| format!(" {}", code(name)));
            writeln!(
                out,
                "| {} | {} | {}{name} | {} | {} | {} | {} | {} |",
                one.account
                    .map_or_else(|| "(not logged)".to_owned(), |account| code(account)),
                one.protocol,
                code(&client.client),
                client.logins,
                client
                    .last
                    .map_or_else(|| "-".to_owned(), |last| last.to_string()),
                client.schedule.as_deref().unwrap_or("-"),
                client
                    .mail_program
                    .as_ref()
                    .map_or_else(|| "-".to_owned(), |program| code(program)),
                client
                    .accepted
                    .as_ref()
                    .map_or_else(|| "no".to_owned(), |reason| markdown(reason.as_bytes())),
            )?;
        }
    }
    if nobody {
        writeln!(
            out,
            "\nNobody: whoever logs in uses TLS already, or is exempt."
        )?;
    }
    Ok(())
}

fn write_change(out: &mut dyn Write, answer: &Answer<'_>) -> io::Result<()> {
    writeln!(out, "\n## The change\n")?;
    if answer.patch.is_empty() {
        return writeln!(out, "Nothing is left to change.");
    }
    // A fence longer than any run of backticks in it.
    let longest = answer
        .patch
        .split(|byte| *byte != b'`')
        .map(<[u8]>::len)
        .max()
        .unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    writeln!(out, "{fence}diff")?;
    for line in answer.patch.lines() {
        writeln!(out, "{}", plain(line).replace("\\u{9}", "\t"))?;
    }
    writeln!(out, "{fence}")
}

fn write_after(out: &mut dyn Write, answer: &Answer<'_>) -> io::Result<()> {
    let has = |server: Server| {
        answer
            .before
            .endpoints
            .iter()
            .any(|one| one.server == server)
    };
    let (invocation, root) = (answer.invocation, &answer.before.root);
    let apply = invocation.apply(root);
    writeln!(out, "\n## How to make it\n\n```sh\n{apply}")?;
    for (server, command) in [
        (Server::Postfix, "postfix reload"),
        (Server::Dovecot, "doveadm reload"),
    ] {
        if has(server) {
            writeln!(out, "{command}")?;
        }
    }
    writeln!(
        out,
        "```\n\n## How to verify\n\n```sh\n{}\n{}   # after some days: was anybody refused?\n```\n\n\
         ## How to go back\n\n```sh\n{apply} --revert\n```\n\nThen reload as above.",
        invocation.check(root),
        invocation.preflight(root),
    )
}
