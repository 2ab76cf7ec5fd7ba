//! Who is affected: a table for each cause.

use crate::evidence::Text;
use std::collections::BTreeSet;
use std::io::{self, Write};

use crate::impact::Cause;
use crate::report::answer::{Answer, GROUPS, Whose, heading};
use crate::report::plain::html;

use super::table::{Cells, Column, NOTHING, account, accounts_in_words, name, time, write_table};

/// Everybody, by how they fare and what they have in common.
pub(super) fn write_clients(out: &mut dyn Write, answer: &Answer<'_>) -> io::Result<()> {
    for (impact, title) in GROUPS {
        let clients: Vec<Whose<'_>> = answer.clients(impact).collect();
        if clients.is_empty() {
            continue;
        }
        let accounts: BTreeSet<_> = clients.iter().map(|one| one.account).collect();
        writeln!(out, "<h3>{}</h3>", heading(title, accounts.len()))?;
        let causes: Vec<&Cause> = answer
            .preflight
            .causes
            .iter()
            .filter(|cause| cause.impact == impact)
            .collect();
        for cause in &causes {
            let behind: Vec<Whose<'_>> = explained(&clients, cause).collect();
            write_group(
                out,
                &format!(
                    "{} {}",
                    accounts_in_words(cause.accounts),
                    html(cause.words().as_bytes())
                ),
                &behind,
            )?;
        }
        let rest = |clockwork: bool| -> Vec<Whose<'_>> {
            let alone = |one: &&Whose<'_>| {
                !causes
                    .iter()
                    .any(|cause| one.account.is_some() && cause.explains(one.client))
            };
            let by_clock = |one: &&Whose<'_>| one.client.schedule.is_some() == clockwork;
            clients
                .iter()
                .filter(alone)
                .filter(by_clock)
                .copied()
                .collect()
        };
        write_group(out, "by the clock, so devices or jobs", &rest(true))?;
        write_group(out, "people and other clients", &rest(false))?;
    }
    Ok(())
}

fn explained<'a>(clients: &'a [Whose<'a>], cause: &'a Cause) -> impl Iterator<Item = Whose<'a>> {
    clients
        .iter()
        .filter(|one| one.account.is_some() && cause.explains(one.client))
        .copied()
}

fn write_group(out: &mut dyn Write, caption: &str, clients: &[Whose<'_>]) -> io::Result<()> {
    if clients.is_empty() {
        return Ok(());
    }
    let columns: [Column; 11] = [
        ("Account", Cells::Text),
        ("Protocol", Cells::Short),
        ("Client", Cells::Short),
        ("Name", Cells::Text),
        ("Network", Cells::Short),
        ("Logins", Cells::Number),
        ("Last", Cells::Short),
        ("When", Cells::Short),
        ("Program", Cells::Text),
        ("Why", Cells::Text),
        ("Log line", Cells::Place),
    ];
    let optional = |text: Option<&Text>| text.map_or_else(|| NOTHING.to_owned(), |text| name(text));
    let words = |text: Option<&String>| {
        text.map_or_else(|| NOTHING.to_owned(), |text| name(text.as_bytes()))
    };
    let rows = clients.iter().map(|one| {
        let client = one.client;
        let mut why = html(client.why.as_bytes());
        if let Some(reason) = &client.accepted {
            why.push_str(&format!("; accepted ({})", html(reason.as_bytes())));
        }
        vec![
            account(one.account),
            one.protocol.to_string(),
            name(&client.client),
            optional(client.client_name.as_ref()),
            words(client.network.as_ref()),
            client.logins.to_string(),
            time(client.last),
            words(client.schedule.as_ref()),
            optional(client.mail_program.as_ref()),
            why,
            client.example.as_ref().map_or_else(
                || NOTHING.to_owned(),
                |example| name(format!("{}:{}", example.file.display(), example.line).as_bytes()),
            ),
        ]
    });
    write_table(out, caption, &columns, rows.collect())
}
