//! The sessions of the made logs: what the lines of each say, and the answers that go with them.

use std::io::Write;

use super::{HOSTS, Maker};

impl<W: Write> Maker<'_, W> {
    /// The lines that the rest of Postfix writes about a message.
    fn message(&mut self, host: usize, time: u64, id: &str, from: &str) {
        let size = 900 + self.dice.roll(90_000);
        self.put(
            time + 1000,
            host,
            "postfix/cleanup",
            401,
            format!(
                "{id}: message-id=<{:x}.{id}@client.example.org>",
                self.dice.0
            ),
        );
        self.put(
            time + 2000,
            host,
            "postfix/qmgr",
            402,
            format!("{id}: from=<{from}>, size={size}, nrcpt=1 (queue active)"),
        );
        self.put(time + 90_000, host, "postfix/lmtp", 403, format!("{id}: to=<someone@example.org>, relay=mail.example.org[private/dovecot-lmtp], delay=0.09, delays=0.03/0/0.01/0.05, dsn=2.0.0, status=sent (250 2.0.0 <someone@example.org> {id} Saved)"));
        self.put(
            time + 91_000,
            host,
            "postfix/qmgr",
            402,
            format!("{id}: removed"),
        );
    }

    /// Mail from outside, and strangers who try.
    pub(super) fn stranger(&mut self, host: usize, now: u64) {
        let peer = format!(
            "mail{}.example.org[203.0.113.{}]",
            self.dice.roll(500),
            self.dice.roll(250)
        );
        let end = now + 200_000 + self.dice.roll(3_000_000);
        let pid = self.process(host, "postfix/smtpd", now, end);
        self.put(
            now,
            host,
            "postfix/smtpd",
            pid,
            format!("connect from {peer}"),
        );
        let tls = self.dice.chance(50);
        if tls && HOSTS[host].logs_tls {
            self.put(now + 50_000, host, "postfix/smtpd", pid, format!("Anonymous TLS connection established from {peer}: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)"));
        }
        let starttls = if tls { " starttls=1" } else { "" };
        if self.dice.chance(60) {
            let id = self.queue_id();
            self.put(
                now + 90_000,
                host,
                "postfix/smtpd",
                pid,
                format!("{id}: client={peer}"),
            );
            self.message(host, now + 90_000, &id, "news@example.org");
            self.disconnect(
                host,
                "postfix/smtpd",
                pid,
                end,
                &peer,
                &format!(" ehlo=1{starttls} mail=1 rcpt=1 data=1 quit=1 commands=5"),
            );
        } else {
            let helo = [
                "x> sasl_method=PLAIN sasl_username=boss@example.org",
                "sasl_username=boss@example.org",
                "imap-login: Login: user=<boss>",
            ][self.dice.roll(3) as usize];
            self.put(now + 90_000, host, "postfix/smtpd", pid, format!("NOQUEUE: reject: RCPT from {peer}: 554 5.7.1 <boss@example.org>: Relay access denied; from=<a@example.org> to=<b@example.org> proto=ESMTP helo=<{helo}>"));
            self.disconnect(
                host,
                "postfix/smtpd",
                pid,
                end,
                &peer,
                &format!(" ehlo=1{starttls} mail=1 rcpt=0/1 quit=1 commands=4/5"),
            );
        }
    }

    fn disconnect(
        &mut self,
        host: usize,
        program: &str,
        pid: u32,
        time: u64,
        peer: &str,
        counters: &str,
    ) {
        let counters = if HOSTS[host].counters { counters } else { "" };
        self.put(
            time,
            host,
            program,
            pid,
            format!("disconnect from {peer}{counters}"),
        );
    }

    /// A login over SMTP.
    pub(super) fn submission(&mut self, host: usize, now: u64) {
        let (number, account, client) = self.account(host);
        let peer = format!("dsl{number}.example.org[{client}]");
        let known = &HOSTS[host];
        let clear = number % 25 == 3 || number % 50 == 4 && self.dice.chance(50);
        let wrapper = !clear && known.logs_tls && self.dice.chance(30);
        let program = if wrapper || number.is_multiple_of(7) {
            "postfix/smtpd"
        } else {
            "postfix/submission/smtpd"
        };
        let handshake = now + 20_000 + self.dice.roll(1_500_000);
        let login = handshake + 10_000 + self.dice.roll(1_500_000);
        let messages = if self.dice.chance(10) {
            0
        } else {
            1 + self.dice.roll(3)
        };
        let end = login + 400_000 * (messages + 1);
        let pid = self.process(host, program, now, end);
        self.put(now, host, program, pid, format!("connect from {peer}"));
        if !clear && known.logs_tls {
            self.put(handshake, host, program, pid, format!("Anonymous TLS connection established from {peer}: TLSv1.2 with cipher ECDHE-RSA-AES256-GCM-SHA384 (256/256 bits)"));
        }
        let failures = self.dice.chance(5);
        if failures {
            self.put(login - 5000, host, program, pid, format!("warning: {peer}: SASL LOGIN authentication failed: UGFzc3dvcmQ6, sasl_username={account}"));
        }
        for message in 0..messages {
            let id = self.queue_id();
            let time = login + 400_000 * message;
            self.put(
                time,
                host,
                program,
                pid,
                format!("{id}: client={peer}, sasl_method=PLAIN, sasl_username={account}"),
            );
            self.message(host, time, &id, &account);
        }
        let starttls = if clear || wrapper { "" } else { " starttls=1" };
        let auth = if failures { "1/2" } else { "1" };
        self.disconnect(
            host,
            program,
            pid,
            end,
            &peer,
            &format!(
                " ehlo=2{starttls} auth={auth} mail={messages} quit=1 commands={}",
                messages + 4
            ),
        );
        let how = match (clear, known.logs_tls) {
            (false, _) => "tls",
            (true, true) => "clear",
            (true, false) => "unknown",
        };
        if messages > 0 {
            self.count(host, "smtp", &account, &client, how, 1);
        } else if known.counters {
            self.count(host, "smtp", "", &client, how, 1);
        }
    }

    /// A wrong password.
    pub(super) fn failure(&mut self, host: usize, now: u64) {
        let (_, account, _) = self.account(host);
        let peer = format!("unknown[203.0.113.{}]", self.dice.roll(250));
        let pid = self.process(host, "postfix/smtpd", now, now + 900_000);
        self.put(
            now,
            host,
            "postfix/smtpd",
            pid,
            format!("connect from {peer}"),
        );
        self.put(now + 500_000, host, "postfix/smtpd", pid, format!("warning: {peer}: SASL LOGIN authentication failed: (reason unavailable), sasl_username={account}"));
        self.put(
            now + 800_000,
            host,
            "postfix/smtpd",
            pid,
            format!("lost connection after AUTH from {peer}"),
        );
        self.disconnect(
            host,
            "postfix/smtpd",
            pid,
            now + 900_000,
            &peer,
            " ehlo=1 auth=0/1 commands=1/2",
        );
    }

    /// A login over IMAP or POP3.
    pub(super) fn mailbox(&mut self, host: usize, now: u64) {
        let (number, account, client) = self.account(host);
        let imap = !number.is_multiple_of(4);
        let (service, protocol) = if imap {
            ("imap", "imap")
        } else {
            ("pop3", "pop3")
        };
        let (word, client, how) = match number % 40 {
            5 => ("", client, "clear"),
            6 => (", secured", "192.0.2.1".to_owned(), "local"),
            7 => (", secured", client, "trusted"),
            8 => (", TLS: Connection closed", client, "tls"),
            _ => (", TLS", client, "tls"),
        };
        self.number += 1;
        let session = format!("{:012x}AAAA", self.number);
        let mpid = 5000 + self.dice.roll(60_000);
        self.put(now, host, "dovecot", 0, format!("{service}-login: Login: user=<{account}>, method=PLAIN, rip={client}, lip=192.0.2.1, mpid={mpid}{word}, session=<{session}>"));
        self.put(now + 900_000, host, "dovecot", 0, format!("{service}({account})<{mpid}><{session}>: Disconnected: Logged out in=24 out=798 deleted=0 expunged=0 trashed=0 hdr_count=0 hdr_bytes=0 body_count=0 body_bytes=0"));
        self.count(host, protocol, &account, &client, how, 1);
    }

    /// A failed login with a name that holds the log's own syntax.
    pub(super) fn mailbox_failure(&mut self, host: usize, now: u64) {
        let name = [
            "boss>, TLS, session=<x",
            "Logged in: user=<boss>",
            "boss, TLS",
            "-login: Login: user=<boss>, rip=192.0.2.1",
        ][self.dice.roll(4) as usize];
        let client = self.dice.roll(250);
        self.put(now, host, "dovecot", 0, format!("imap-login: Disconnected: Connection closed (auth failed, 1 attempts in 2 secs): user=<{name}>, method=PLAIN, rip=203.0.113.{client}, lip=192.0.2.1, session=<{now:x}>"));
    }
}
