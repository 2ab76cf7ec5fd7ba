//! The report of `preflight` as CSV (RFC 4180): a row for each account and client, ready for a spreadsheet or a mail merge.

use std::io::{self, Write};

use crate::evidence::{Text, Time};

use super::answer::{Answer, GROUPS};
use super::plain::{cell, plain_path};

const HEAD: [&str; 17] = [
    "account",
    "protocol",
    "client",
    "client_name",
    "network",
    "impact",
    "why",
    "accepted",
    "service",
    "method",
    "transport",
    "logins",
    "first",
    "last",
    "schedule",
    "mail_program",
    "example",
];

/// Writes the report.
///
/// # Errors
/// What the writer says.
pub fn write(out: &mut dyn Write, answer: &Answer<'_>) -> io::Result<()> {
    let mut table = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(out);
    table.write_record(HEAD)?;
    for (impact, _) in GROUPS {
        for one in answer.clients(impact) {
            let client = one.client;
            let optional = |text: Option<&Text>| text.map_or_else(String::new, |text| cell(text));
            let words =
                |text: Option<&String>| text.map_or_else(String::new, |text| cell(text.as_bytes()));
            let time = |time: Option<Time>| time.map_or_else(String::new, |time| time.to_string());
            table.write_record([
                optional(one.account),
                one.protocol.to_string(),
                cell(&client.client),
                optional(client.client_name.as_ref()),
                words(client.network.as_ref()),
                client.impact.word().to_owned(),
                cell(client.why.as_bytes()),
                words(client.accepted.as_ref()),
                cell(&client.service),
                cell(&client.method),
                client.transport.word().to_owned(),
                client.logins.to_string(),
                time(client.first),
                time(client.last),
                words(client.schedule.as_ref()),
                optional(client.mail_program.as_ref()),
                client.example.as_ref().map_or_else(String::new, |example| {
                    cell(format!("{}:{}", plain_path(&example.file), example.line).as_bytes())
                }),
            ])?;
        }
    }
    table.flush()
}
