//! The document of `preflight`.

use serde_json::{Value, json};

use crate::evidence::Evidence;
use crate::impact::{
    AccountImpact, Cause, ClientImpact, Coverage, InUse, Minimum, Older, Preflight, Week,
};

use super::{Checked, VERSION, check, endpoint, example, root_of, scan, text, time};

/// The document of `preflight`; `checked` is the server as it stands, `after` the files as they would be.
pub fn preflight(
    preflight: &Preflight,
    checked: &[Checked],
    after: &Checked,
    evidence: &Evidence,
) -> Value {
    json!({
        "schema": "plainsight/preflight/1",
        "version": VERSION,
        "decision": preflight.decision.word(),
        "reasons": preflight.reasons,
        "enforced": preflight.enforced,
        "hosts": {
            "judged": preflight.hosts.judged.iter().map(text).collect::<Vec<_>>(),
            "left_out": preflight.hosts.left_out.iter().map(text).collect::<Vec<_>>(),
            "without_configuration": preflight.hosts.unconfigured.iter().map(ToString::to_string).collect::<Vec<_>>(),
        },
        "window": {
            "asked": preflight.days.0,
            "covered": preflight.days.1,
            "servers": preflight.coverage.iter().map(coverage).collect::<Vec<_>>(),
        },
        "acceptances": {"unused": preflight.unused, "expired": preflight.expired},
        "impact": preflight.accounts.iter().map(account).collect::<Vec<_>>(),
        "causes": preflight.causes.iter().map(cause).collect::<Vec<_>>(),
        "trend": preflight.trend.iter().map(week).collect::<Vec<_>>(),
        "last_clear": preflight.last_clear.map(|last| json!({
            "time": last.time.to_string(),
            "days_ago": last.days_ago,
        })),
        "tls_versions": preflight.tls_versions.iter().map(tls_version).collect::<Vec<_>>(),
        "tls_minimum": preflight.minima.iter().map(minimum).collect::<Vec<_>>(),
        "endpoints_after": preflight
            .endpoints_after
            .iter()
            .map(|one| endpoint(one, &root_of(after), &after.surface.sources))
            .collect::<Vec<_>>(),
        "check": check(checked, &[]),
        "scan": scan(evidence),
    })
}

fn coverage(one: &Coverage) -> Value {
    let logs = one.logs.iter().map(|log| log.display().to_string());
    json!({
        "server": one.server.to_string(),
        "logs": logs.collect::<Vec<_>>(),
        "first": time(one.first),
        "last": time(one.last),
        "days": one.days,
        "last_login": time(one.last_login),
    })
}

fn cause(cause: &Cause) -> Value {
    json!({
        "client": cause.client.as_ref().map(text),
        "client_name": cause.client_name.as_ref().map(text),
        "impact": cause.impact.word(),
        "accounts": cause.accounts,
        "accepted": cause.accepted,
    })
}

fn week(week: &Week) -> Value {
    json!({
        "monday": week.monday().day(),
        "clear": week.clear,
        "unknown": week.unknown,
        "accounts": week.accounts,
    })
}

fn minimum(minimum: &Minimum) -> Value {
    let older = |all: &[Older]| -> Vec<Value> {
        all.iter()
            .map(|older| {
                json!({
                    "account": older.account.as_ref().map(text),
                    "protocol": older.protocol.to_string(),
                    "client": text(&older.client),
                    "tls_version": text(&older.tls_version),
                })
            })
            .collect()
    };
    json!({
        "version": minimum.version,
        "breaks": older(&minimum.breaks),
        "already": older(&minimum.already),
        "unknown": minimum.unknown,
    })
}

fn tls_version(one: &InUse) -> Value {
    json!({
        "version": one.version.as_ref().map(text),
        "accounts": one.accounts,
        "logins": one.logins,
        "last": time(one.last),
    })
}

fn account(account: &AccountImpact) -> Value {
    json!({
        "account": account.account.as_ref().map(text),
        "protocol": account.protocol.to_string(),
        "clients": account.clients.iter().map(client).collect::<Vec<_>>(),
        "impact": account.impact.word(),
    })
}

fn client(client: &ClientImpact) -> Value {
    json!({
        "client": text(&client.client),
        "client_name": client.client_name.as_ref().map(text),
        "service": text(&client.service),
        "method": text(&client.method),
        "transport": client.transport.word(),
        "impact": client.impact.word(),
        "why": client.why,
        "already_forbidden": client.already_forbidden,
        "logins": client.logins,
        "first": time(client.first),
        "last": time(client.last),
        "days_ago": client.days_ago,
        "example": example(client.example.as_ref()),
        "mail_program": client.mail_program.as_ref().map(ToString::to_string),
        "schedule": client.schedule,
        "network": client.network,
        "accepted": client.accepted,
    })
}
