//! Makes mail logs of any size from a seed, together with the answers: who really logged in how.
//!
//! Three hosts, each with habits of its own: `sessions` of many processes interleaved,
//! process numbers used again, handshakes and logins in different seconds, logins without mail, failures that name an account,
//! queue ids that begin with `A`, wrapper mode under the plain name, and strangers who put log syntax into what they may choose.

mod sessions;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::io::{self, Write};

/// How the lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `Nov  4 08:00:01 host …`
    Bsd,
    /// `2026-11-04T08:00:01.123456+01:00 host …`
    Rfc3339,
    /// `journalctl -o json`
    Journal,
}

/// What to make.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// The same seed makes the same log.
    pub(crate) seed: u64,
    /// About how many bytes.
    pub(crate) bytes: u64,
    /// How many accounts log in.
    pub(crate) accounts: u64,
    /// How many lines other programs write for each session: filters, and who delivers and fetches.
    pub(crate) others: u64,
    /// How the lines look.
    pub(crate) form: Form,
}

/// Host, protocol, account (empty where no line names it), client and transport, and how many logins.
pub(crate) type Answers = BTreeMap<(String, &'static str, String, String, &'static str), u64>;

/// The first moment: 2026-03-02T00:00:00, a Monday.
const START: u64 = 1_772_409_600;

/// Splitmix64: small, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.roll(100) < percent
    }
}

/// A line that waits for its time: microseconds, number, host, program, pid, message.
type Waiting = Reverse<(u64, u64, usize, String, u32, String)>;

struct Host {
    name: &'static str,
    /// smtpd_tls_loglevel is 1.
    logs_tls: bool,
    /// Postfix 3.0 and later.
    counters: bool,
}

const HOSTS: [Host; 3] = [
    Host {
        name: "mx1",
        logs_tls: true,
        counters: true,
    },
    Host {
        name: "mx2",
        logs_tls: false,
        counters: true,
    },
    Host {
        name: "old",
        logs_tls: true,
        counters: false,
    },
];

struct Maker<'a, W: Write> {
    plan: Plan,
    dice: Dice,
    out: &'a mut W,
    written: u64,
    waiting: BinaryHeap<Waiting>,
    number: u64,
    /// When each process is free again, by host and program.
    processes: HashMap<(usize, String), Vec<(u32, u64)>>,
    next_pid: u32,
    answers: Answers,
}

/// Writes a log and tells the answers.
///
/// # Errors
/// What `out` says.
pub(crate) fn make(plan: Plan, out: &mut impl Write) -> io::Result<Answers> {
    let mut maker = Maker {
        plan,
        dice: Dice(plan.seed),
        out,
        written: 0,
        waiting: BinaryHeap::new(),
        number: 0,
        processes: HashMap::new(),
        next_pid: 1000,
        answers: Answers::new(),
    };
    let mut now = START * 1_000_000;
    while maker.written < plan.bytes {
        now += 1 + maker.dice.roll(400_000);
        maker.session(now);
        maker.others(now);
        maker.flush(now)?;
    }
    maker.flush(u64::MAX)?;
    Ok(maker.answers)
}

impl<W: Write> Maker<'_, W> {
    fn session(&mut self, now: u64) {
        let host = self.dice.roll(3) as usize;
        match self.dice.roll(100) {
            0..=29 => self.stranger(host, now),
            30..=59 => self.submission(host, now),
            60..=64 => self.failure(host, now),
            65..=94 => self.mailbox(host, now),
            _ => self.mailbox_failure(host, now),
        }
    }

    /// Lines of programs at which nobody logs in.
    fn others(&mut self, now: u64) {
        for _ in 0..self.plan.others {
            let host = self.dice.roll(3) as usize;
            let time = now + self.dice.roll(2_000_000);
            let id = self.queue_id();
            let number = self.dice.roll(self.plan.accounts);
            let (program, pid, message) = match self.dice.roll(6) {
                0 => (
                    "opendkim",
                    611,
                    format!("{id}: DKIM-Signature field added (s=mail, d=example.org)"),
                ),
                1 => (
                    "postfix/postscreen",
                    612,
                    format!("PASS OLD [203.0.113.{}]:{}", number % 250, 20_000 + number),
                ),
                2 => (
                    "amavis",
                    613,
                    format!(
                        "({id}) Passed CLEAN {{RelayedInbound}}, [203.0.113.9] <news@example.org> -> <user{number}@example.org>, Queue-ID: {id}, Hits: -1.9, size: 3021, 812 ms"
                    ),
                ),
                3 => (
                    "dovecot",
                    0,
                    format!(
                        "lmtp(user{number}@example.org)<4711><{id}>: sieve: msgid=<{id}@client.example.org>: stored mail into mailbox 'INBOX'"
                    ),
                ),
                4 => (
                    "dovecot",
                    0,
                    format!(
                        "imap(user{number}@example.org)<4712><{id}>: Connection closed (UID FETCH finished 0.112 secs ago) in=412 out=9120 deleted=0 expunged=0"
                    ),
                ),
                _ => (
                    "postfix/anvil",
                    614,
                    format!(
                        "statistics: max connection rate 1/60s for (smtp:203.0.113.{}) at Mar  2 08:00:01",
                        number % 250
                    ),
                ),
            };
            self.put(time, host, program, pid, message);
        }
    }

    /// Somebody whose mailbox is on this host.
    fn account(&mut self, host: usize) -> (u64, String, String) {
        let hosts = HOSTS.len() as u64;
        let number = self.dice.roll(self.plan.accounts / hosts) * hosts + host as u64;
        // A few people have two devices.
        let device = u64::from(number.is_multiple_of(10) && self.dice.chance(30));
        let client = format!(
            "198.51.{}.{}",
            100 + (number / 200) % 4,
            (number + device) % 200 + 1
        );
        (number, format!("user{number}@example.org"), client)
    }

    fn put(&mut self, time: u64, host: usize, program: &str, pid: u32, message: String) {
        self.number += 1;
        self.waiting.push(Reverse((
            time,
            self.number,
            host,
            program.to_owned(),
            pid,
            message,
        )));
    }

    fn process(&mut self, host: usize, program: &str, from: u64, to: u64) -> u32 {
        let pool = self
            .processes
            .entry((host, program.to_owned()))
            .or_default();
        if let Some((pid, free)) = pool.iter_mut().find(|(_, free)| *free < from) {
            *free = to;
            return *pid;
        }
        self.next_pid += 1;
        pool.push((self.next_pid, to));
        self.next_pid
    }

    fn queue_id(&mut self) -> String {
        format!(
            "{}{:09X}",
            ["A", "B", "4", "F", "9"][self.dice.roll(5) as usize],
            self.dice.roll(1 << 36)
        )
    }

    fn count(
        &mut self,
        host: usize,
        protocol: &'static str,
        account: &str,
        client: &str,
        how: &'static str,
        times: u64,
    ) {
        let key = (
            HOSTS[host].name.to_owned(),
            protocol,
            account.to_owned(),
            client.to_owned(),
            how,
        );
        *self.answers.entry(key).or_default() += times;
    }

    fn flush(&mut self, now: u64) -> io::Result<()> {
        while let Some(Reverse((time, ..))) = self.waiting.peek()
            && *time <= now
        {
            let Some(Reverse((time, _, host, program, pid, message))) = self.waiting.pop() else {
                break;
            };
            let line = line(
                self.plan.form,
                time,
                HOSTS[host].name,
                &program,
                pid,
                &message,
            );
            self.written += line.len() as u64;
            self.out.write_all(line.as_bytes())?;
        }
        Ok(())
    }
}

fn line(form: Form, time: u64, host: &str, program: &str, pid: u32, message: &str) -> String {
    let (day, second) = (
        (time / 1_000_000 - START) / 86_400,
        (time / 1_000_000) % 86_400,
    );
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    // March to December 2026, as far as the logs go.
    let lengths = [31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let names = [
        "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (mut month, mut of_month) = (0, day + 2);
    while of_month > lengths[month] {
        of_month -= lengths[month];
        month += 1;
    }
    let tag = if pid == 0 {
        program.to_owned()
    } else {
        format!("{program}[{pid}]")
    };
    match form {
        Form::Bsd => format!(
            "{} {of_month:2} {hour:02}:{minute:02}:{second:02} {host} {tag}: {message}\n",
            names[month]
        ),
        Form::Rfc3339 => format!(
            "2026-{:02}-{of_month:02}T{hour:02}:{minute:02}:{second:02}.{:06}+00:00 {host} {tag}: {message}\n",
            month + 3,
            time % 1_000_000
        ),
        Form::Journal => format!(
            "{{\"__CURSOR\":\"s=0;i={time:x}\",\"__REALTIME_TIMESTAMP\":\"{time}\",\"_BOOT_ID\":\"0123456789abcdef0123456789abcdef\",\"PRIORITY\":\"6\",\"SYSLOG_FACILITY\":\"2\",\"SYSLOG_IDENTIFIER\":\"{program}\",\"_PID\":\"{}\",\"_HOSTNAME\":\"{host}\",\"_TRANSPORT\":\"syslog\",\"MESSAGE\":\"{message}\"}}\n",
            pid.max(240)
        ),
    }
}
