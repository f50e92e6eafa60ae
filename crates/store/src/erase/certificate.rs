//! What an erasure proves: who asked, what went, and that nothing is left.

use std::collections::BTreeMap;
use std::fmt::Write;

use ring::{digest, hmac};
use serde::{Deserialize, Serialize};

use super::intent::{ErasedPart, Found};
use super::order::{Order, Whom};
use super::search::Search;
use super::tally::Counts;
use crate::error::StoreError;

const VERSION: u32 = 1;

/// The certificate of an erasure. It names nobody: identifiers are keyed hashes, which only this
/// installation can make again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// The version of its form.
    pub version: u32,
    /// The erasure's id.
    pub id: String,
    /// Who asked.
    pub asked_by: String,
    /// When, milliseconds since the Unix epoch.
    pub asked_at_ms: u64,
    /// When nothing was left, milliseconds since the Unix epoch.
    pub ended_at_ms: u64,
    /// HMAC-SHA256 of what was asked for, in small letters.
    pub person: String,
    /// HMAC-SHA256 of each identifier, in small letters.
    pub identifiers: Vec<String>,
    /// The organisation to which it was limited.
    pub organization: Option<String>,
    /// Whether items of others that mention an identifier were to go, too.
    pub with_mentions: bool,
    /// What was removed.
    pub removed: Counts,
    /// Of these, items of which the figures stay, as nobody's; null where none were to stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figures_kept: Option<u64>,
    /// The parts that held it.
    pub parts: Vec<ErasedPart>,
    /// Parts that could not be read, and so were not searched for items.
    pub unread_parts: Vec<String>,
    /// Frames of the journal up to this one are deleted.
    pub journal_through: u64,
    /// Files with frames or segments that nobody could read, deleted because they named the person.
    pub set_aside_deleted: Vec<String>,
    /// Bytes of the data directory before.
    pub bytes_before: u64,
    /// And after.
    pub bytes_after: u64,
    /// The search of every byte of the data directory.
    pub search: Search,
    /// What is kept, and why.
    pub kept: Vec<String>,
    /// SHA-256 of this document without this line, as compact JSON.
    pub sha256: String,
}

/// What stays of somebody who is erased.
const KEPT: &[&str] = &[
    "keyed hashes (80 bits) of the erased items, for up to 24 hours of service: a repeated delivery is known by them and not stored again",
    "keyed hashes of cumulative series with their last totals, until a series has been silent for 48 hours of service: without them the next report would bring the erased total back",
    "this certificate",
];

fn kept(whom: &Whom, search: &Search) -> Vec<String> {
    let mut kept: Vec<String> = KEPT.iter().map(|kept| (*kept).to_owned()).collect();
    if whom.keep_aggregates {
        kept.push("figures of the erased items, as those of nobody: when, how much, with which model and tool, for which team; their ids are hashes under a key that was thrown away".to_owned());
    }
    if search.in_trail > 0 {
        kept.push(format!(
            "the audit trail, which names the account in {} of its files: what was done stays on record",
            search.in_trail
        ));
    }
    kept
}

impl Certificate {
    pub(super) fn new(
        order: &Order,
        found: &Found,
        key: &hmac::Key,
        search: Search,
    ) -> Certificate {
        let whom = &order.whom;
        Certificate {
            version: VERSION,
            id: order.id.clone(),
            asked_by: order.asked_by.clone(),
            asked_at_ms: order.asked_at_ms,
            ended_at_ms: 0,
            person: keyed(key, &whom.asked_for),
            identifiers: found.identifiers.iter().map(|id| keyed(key, id)).collect(),
            organization: whom.organization.clone(),
            with_mentions: whom.with_mentions,
            removed: found.counts.clone(),
            figures_kept: whom.keep_aggregates.then_some(found.figures_kept),
            parts: found.parts.clone(),
            unread_parts: found.unread.clone(),
            journal_through: found.through,
            set_aside_deleted: Vec::new(),
            bytes_before: found.bytes_before,
            bytes_after: 0,
            kept: kept(whom, &search),
            search,
            sha256: String::new(),
        }
    }

    /// Puts the hash over everything else.
    pub(super) fn seal(&mut self) -> Result<(), StoreError> {
        self.sha256 = self.hash()?;
        Ok(())
    }

    /// Whether nothing was changed since it was made.
    pub fn is_whole(&self) -> bool {
        self.hash().is_ok_and(|hash| hash == self.sha256)
    }

    /// Whether nothing of the person was found any more, everywhere.
    pub fn is_verified(&self) -> bool {
        self.search.verified && self.unread_parts.is_empty()
    }

    fn hash(&self) -> Result<String, StoreError> {
        let unsealed = Certificate {
            sha256: String::new(),
            ..self.clone()
        };
        let text = serde_json::to_vec(&unsealed)
            .map_err(|error| StoreError::Internal(error.to_string()))?;
        Ok(hex(digest::digest(&digest::SHA256, &text).as_ref()))
    }

    /// The certificate for people to read.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let time = |ms: u64| {
            let iso = contract::iso_millis(ms).unwrap_or(*b"0000-00-00T00:00:00.000Z");
            String::from_utf8_lossy(&iso).into_owned()
        };
        let list = |counts: &BTreeMap<String, u64>| {
            let counts = counts.iter().map(|(name, count)| format!("{name} {count}"));
            counts.collect::<Vec<_>>().join(", ")
        };
        let verdict = match self.is_verified() {
            true => "verified: nothing of the person was found any more",
            false => "NOT VERIFIED: see what was found",
        };
        let removed = &self.removed;
        // Writing to a string cannot fail.
        let _ = writeln!(out, "Erasure {}: {verdict}", self.id);
        let _ = writeln!(
            out,
            "  asked by      {}, {}",
            self.asked_by,
            time(self.asked_at_ms)
        );
        let _ = writeln!(out, "  ended         {}", time(self.ended_at_ms));
        let _ = writeln!(out, "  person        {}", self.person);
        let _ = writeln!(
            out,
            "  removed       {} items ({}), {} sessions, {} installations, {} identities",
            removed.total(),
            list(&removed.items),
            removed.sessions,
            removed.installations,
            removed.identities
        );
        if !removed.views.is_empty() {
            let _ = writeln!(out, "  in views      {}", list(&removed.views));
        }
        let _ = writeln!(
            out,
            "  files         {} parts rewritten or removed, journal through frame {}, {} to {} bytes",
            self.parts.len(),
            self.journal_through,
            self.bytes_before,
            self.bytes_after
        );
        let search = &self.search;
        let _ = writeln!(
            out,
            "  searched      {} files, {} bytes, for {} identifiers and {} stretches of removed text",
            search.files, search.bytes, search.identifiers, search.stretches
        );
        if let Some(kept) = self.figures_kept {
            let _ = writeln!(out, "  figures kept  of {kept} items, as nobody's");
        }
        for finding in &search.findings {
            let (what, count) = (&finding.what, finding.count);
            let _ = writeln!(out, "  FOUND         {what} ({count}) in {}", finding.path);
        }
        for path in search.unsearched.iter().chain(&self.unread_parts) {
            let _ = writeln!(out, "  NOT SEARCHED  {path}");
        }
        if search.since > 0 {
            let _ = writeln!(out, "  since then    {} new items have come", search.since);
        }
        for kept in &self.kept {
            let _ = writeln!(out, "  kept          {kept}");
        }
        let _ = write!(out, "  sha256        {}", self.sha256);
        out
    }
}

/// How an identifier is written down.
pub(super) fn keyed(key: &hmac::Key, identifier: &str) -> String {
    let small = identifier.trim().to_lowercase();
    hex(hmac::sign(key, small.as_bytes()).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
