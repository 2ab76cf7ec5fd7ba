//! The surface of one server: its files read, its configurations understood, its endpoints judged.

use std::path::PathBuf;

use bstr::ByteSlice;

use crate::dovecot;
use crate::postfix;
use crate::root::Root;
use crate::source::{Problem, Snapshot, Sources};
use crate::version::{Range, Version};

use super::sasl::{Mechanisms, Offered};
use super::{Because, Client, Endpoint, Question, Server};

/// The releases to judge for; none where the tree itself has to tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Versions {
    /// Of Postfix.
    pub postfix: Option<Range>,
    /// Of Dovecot.
    pub dovecot: Option<Range>,
}

/// One server, judged.
#[derive(Debug)]
pub struct Surface {
    /// Where its files were found.
    pub root: Root,
    /// The files that were read.
    pub sources: Sources,
    /// The configuration of Postfix, if there is one.
    pub postfix: Option<postfix::Config>,
    /// The configuration of Dovecot, if there is one.
    pub dovecot: Option<dovecot::Config>,
    /// Every endpoint with its verdict.
    pub endpoints: Vec<Endpoint>,
    /// What logs call this server, as somebody said who knows it.
    pub hosts: Vec<String>,
    pub(super) versions: Versions,
    question: Question,
}

/// What is known of a server once nothing more is asked of its configurations: a report needs no more, and of many servers
/// the configurations would fill the memory.
#[derive(Debug)]
pub struct Judged {
    /// Where its files were found.
    pub root: Root,
    /// The files that were read.
    pub sources: Sources,
    /// Every endpoint with its verdict.
    pub endpoints: Vec<Endpoint>,
    /// What is wrong with the files, Postfix first, in reading order.
    pub problems: Vec<Problem>,
    versions: Versions,
    question: Question,
}

impl Judged {
    /// The same server as it was at another time, judged in the same way.
    pub fn at(&self, past: Snapshot) -> Surface {
        let mut root = self.root.clone();
        root.tree = root.tree.at(past);
        Surface::of(root, self.versions, self.question.clone())
    }
}

impl From<Surface> for Judged {
    fn from(surface: Surface) -> Self {
        Self {
            problems: surface.problems().cloned().collect(),
            root: surface.root,
            sources: surface.sources,
            endpoints: surface.endpoints,
            versions: surface.versions,
            question: surface.question,
        }
    }
}

impl Surface {
    /// Reads the files of `root` and judges every endpoint.
    pub fn of(root: Root, versions: Versions, question: Question) -> Self {
        let mut surface = Self::read(root, versions, question);
        surface.endpoints = surface.endpoints_for(surface.question.client);
        surface
    }

    /// Reads the files of `root`; nothing is judged yet.
    fn read(root: Root, versions: Versions, question: Question) -> Self {
        let mut sources = Sources::new(root.tree.clone());
        let postfix = root
            .postfix
            .as_deref()
            .map(|directory| postfix::Config::load(&mut sources, directory));
        let dovecot = root
            .dovecot
            .as_deref()
            .map(|file| dovecot::Config::load(&mut sources, file));
        Self {
            root,
            sources,
            postfix,
            dovecot,
            endpoints: Vec::new(),
            hosts: Vec::new(),
            versions,
            question,
        }
    }

    /// The endpoints of both servers as they are for one client; the files are not read again.
    pub fn endpoints_for(&self, client: Option<Client>) -> Vec<Endpoint> {
        let mut endpoints = self.endpoints_of(Server::Postfix, client);
        endpoints.extend(self.endpoints_of(Server::Dovecot, client));
        endpoints
    }

    /// The endpoints of one server as they are for one client.
    pub fn endpoints_of(&self, server: Server, client: Option<Client>) -> Vec<Endpoint> {
        let question = |sasl| Question {
            client,
            sasl,
            ..self.question.clone()
        };
        match server {
            Server::Postfix => self.postfix_endpoints(&question(self.offered())),
            Server::Dovecot => self.dovecot_endpoints(&question(None)),
        }
    }

    fn postfix_endpoints(&self, question: &Question) -> Vec<Endpoint> {
        let mut endpoints = Vec::new();
        if let Some(config) = &self.postfix {
            let range = self
                .versions
                .postfix
                .unwrap_or_else(|| config.version_hint());
            endpoints.extend(super::postfix::endpoints(
                config,
                &self.sources,
                range,
                question,
            ));
        }
        endpoints
    }

    fn dovecot_endpoints(&self, question: &Question) -> Vec<Endpoint> {
        let mut endpoints = Vec::new();
        if let Some(config) = &self.dovecot {
            let range = self
                .versions
                .dovecot
                .unwrap_or_else(|| dovecot::version_hint(config));
            endpoints.extend(super::dovecot::endpoints(
                config,
                &self.sources,
                range,
                question,
            ));
        }
        endpoints
    }

    /// A release of Postfix to read its settings by: the one that was named, else the oldest that can be meant.
    pub fn postfix_version(&self) -> Version {
        let hint = self.postfix.as_ref().map(postfix::Config::version_hint);
        let range = self.versions.postfix.or(hint).unwrap_or_default();
        range.from.unwrap_or(postfix::OLDEST)
    }

    /// What Dovecot offers smtpd, where Dovecot's files are here and open a socket to Postfix.
    fn offered(&self) -> Option<Offered> {
        let config = self.dovecot.as_ref()?;
        super::dovecot::serves_postfix(config)?;
        let value = config.effective("auth_mechanisms", &dovecot::Lookup::default());
        match value.unknown {
            Some(_) => None,
            None => Some(Offered {
                mechanisms: Mechanisms::named(value.text.fields_with(|c| c == ' ')),
                because: Because {
                    setting: "auth_mechanisms".into(),
                    value: value.text,
                    origin: value.origin,
                },
            }),
        }
    }

    /// The same server with other texts in place of some of its files, judged in the same way.
    pub fn with_texts(&self, texts: impl IntoIterator<Item = (PathBuf, Vec<u8>)>) -> Self {
        let root = self.root_with(texts);
        Self::of(root, self.versions, self.question.clone())
    }

    /// The endpoints of one of its servers with other texts in place of some files, judged in the same way.
    pub fn endpoints_with_texts(
        &self,
        server: Server,
        texts: impl IntoIterator<Item = (PathBuf, Vec<u8>)>,
    ) -> Vec<Endpoint> {
        let mut root = self.root_with(texts);
        match server {
            // What Dovecot offers decides at Postfix, and nothing the other way round.
            Server::Postfix => {}
            Server::Dovecot => root.postfix = None,
        }
        let changed = Self::read(root, self.versions, self.question.clone());
        changed.endpoints_of(server, self.question.client)
    }

    /// The root in which these texts, and else those that were read before, stand in for the files.
    fn root_with(&self, texts: impl IntoIterator<Item = (PathBuf, Vec<u8>)>) -> Root {
        let mut root = self.root.clone();
        for file in self.sources.ids() {
            let (daemon, text) = (self.sources.daemon_path(file), self.sources.bytes(file));
            root.tree.overlay(daemon, text.to_vec());
        }
        for (daemon, text) in texts {
            root.tree.overlay(daemon, text);
        }
        root
    }

    /// What is wrong with the files, Postfix first, in reading order.
    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        let postfix = self.postfix.iter().flat_map(|config| &config.problems);
        let dovecot = self.dovecot.iter().flat_map(|config| &config.problems);
        postfix.chain(dovecot)
    }
}
