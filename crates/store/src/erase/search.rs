//! Every byte of a data directory is looked at for what must not be there any more.
//!
//! Invariant: what cannot be looked at is said, and never taken for clean. Parts are searched as they lie
//! on the disk (their statistics are in clear there), page by page, and value by value, because some
//! columns leave out what two values have in common.
//!
//! A removed string may be in items of others, too: the same command, the same setting. Then it is theirs.
//! A stretch counts as found only where no row of somebody else has it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use arrow::array::Array;
use arrow::record_batch::RecordBatch;
use base::Disk;
use base::seal::Vault;
use bytes::Bytes;
use parquet::file::reader::{FileReader, SerializedFileReader};
use serde::{Deserialize, Serialize};

use super::intent;
use super::needles::{Identifiers, OVERLAP, Stretches, values, with_length};
use super::tally::text;
use super::walk::walk;
use crate::dedup;
use crate::part;
use crate::schema::Table;

/// How much of a file is in memory at a time; parts are read whole.
const CHUNK_BYTES: usize = 4 << 20;
/// Folders of files with messages that are sealed one by one.
const MESSAGES: [&str; 3] = ["journal/", "damaged/", "access/audit/"];
/// How deep directories lie.
const DEPTH_MAX: usize = 8;
/// Where it is written who may sign in and write, and what was done.
const ACCESS: &str = "access/";
const TRAIL: &str = "access/audit/";
/// So many findings are listed.
const LISTED_MAX: usize = 100;

/// What the search of a data directory came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Search {
    /// Whether everything was searched and nothing was found.
    pub verified: bool,
    /// Files looked at.
    pub files: u64,
    /// Bytes looked at, parts and identities unpacked.
    pub bytes: u64,
    /// Identifiers searched for.
    pub identifiers: u64,
    /// Identifiers of fewer than 6 bytes, which are in every file by chance and were not searched for.
    pub identifiers_too_short: u64,
    /// Stretches of 16 bytes of removed strings searched for, by their hashes.
    pub stretches: u64,
    /// One of so many stretches was kept to be searched for.
    pub stretches_one_of: u64,
    /// Stretches that are in items of other people, too.
    pub stretches_of_others: u64,
    /// What was found, at most 100.
    pub findings: Vec<Finding>,
    /// Items of the person that came after the erasure had begun, in parts.
    pub since: u64,
    /// Files that could not be searched, with the reason.
    pub unsearched: Vec<String>,
    /// Whether files are encrypted there: then what was searched is what is in them, decrypted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub decrypted: bool,
    /// Files of the audit trail that name the account; the trail is never changed. They count as found
    /// unless the account was to go, too.
    #[serde(default)]
    pub in_trail: u64,
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// The file.
    pub path: String,
    /// `identifier`, `mention` for an identifier in items of other people, `account` for one by which
    /// somebody may sign in or write, or `content`.
    pub what: String,
    /// How many different ones.
    pub count: u64,
}

/// A search.
pub(super) struct Searching<'a> {
    pub(super) disk: &'a dyn Disk,
    pub(super) root: &'a Path,
    pub(super) identifiers: &'a Identifiers,
    pub(super) stretches: &'a Stretches,
    /// Parts that were searched for rows; others hold what came since.
    pub(super) known: HashSet<&'a str>,
    /// Parts that count.
    pub(super) named: HashSet<&'a str>,
    /// Segments of the journal that begin after this frame hold what came since.
    pub(super) through: u64,
    /// What opens messages that are sealed one by one; whole files look plain on the disk.
    pub(super) vault: Option<&'a Vault>,
    /// Whether what the audit trail says of the account may stay.
    pub(super) spares_trail: bool,
    found: Hits,
    search: Search,
}

#[derive(Default)]
struct Hits {
    /// By file and identifier, whether it is only in items of others.
    identifiers: BTreeMap<(String, usize), bool>,
    stretches: HashMap<u64, String>,
    of_others: HashSet<u64>,
}

impl<'a> Searching<'a> {
    pub(super) fn new(
        disk: &'a dyn Disk,
        root: &'a Path,
        identifiers: &'a Identifiers,
        stretches: &'a Stretches,
    ) -> Searching<'a> {
        Searching {
            disk,
            root,
            identifiers,
            stretches,
            known: HashSet::new(),
            named: HashSet::new(),
            through: 0,
            vault: None,
            spares_trail: false,
            found: Hits::default(),
            search: Search {
                identifiers: identifiers.all.len() as u64,
                identifiers_too_short: identifiers.short as u64,
                stretches: stretches.hashes.len() as u64,
                stretches_one_of: stretches.rate,
                ..Search::default()
            },
        }
    }

    /// Searches everything. Blocks on the disk.
    pub(super) fn run(mut self) -> Search {
        // The names of columns are in every part, and keys of attributes are called alike.
        for table in Table::ALL {
            for field in table.schema().fields() {
                self.excuse(field.name().as_bytes());
            }
        }
        let mut paths = Vec::new();
        walk(self.disk, self.root, "", DEPTH_MAX, &mut paths);
        for path in paths {
            let looked = match path {
                Ok(path) if matches!(path.as_str(), intent::PATH | intent::STRETCHES_PATH) => {
                    continue;
                }
                Ok(path) => self.file(&path).map_err(|reason| (path, reason)),
                Err(failed) => Err(failed),
            };
            match looked {
                Ok(()) => self.search.files += 1,
                // A query puts something down and takes it away again.
                Err((_, error)) if error.kind() == io::ErrorKind::NotFound => {}
                Err((path, error)) => self.search.unsearched.push(format!("{path}: {error}")),
            }
        }
        self.sum_up()
    }

    fn sum_up(self) -> Search {
        let (mut search, found) = (self.search, self.found);
        search.decrypted = self.vault.is_some();
        let mut findings: BTreeMap<(String, &str), u64> = BTreeMap::new();
        let mut trail: HashSet<String> = HashSet::new();
        for ((path, _), is_of_others) in found.identifiers {
            if path.starts_with(TRAIL) && self.spares_trail {
                trail.insert(path);
                continue;
            }
            let what = match is_of_others {
                _ if path.starts_with(ACCESS) => "account",
                true => "mention",
                false => "identifier",
            };
            *findings.entry((path, what)).or_default() += 1;
        }
        for (hash, path) in found.stretches {
            // The name of the account is a text, too.
            if path.starts_with(TRAIL) && self.spares_trail {
                trail.insert(path);
                continue;
            }
            if found.of_others.contains(&hash) {
                search.stretches_of_others += 1;
            } else {
                *findings.entry((path, "content")).or_default() += 1;
            }
        }
        search.in_trail = trail.len() as u64;
        let listed = findings.into_iter().map(|((path, what), count)| Finding {
            path,
            what: what.to_owned(),
            count,
        });
        search.verified = listed.len() == 0 && search.unsearched.is_empty();
        search.findings = listed.take(LISTED_MAX).collect();
        search
    }

    fn file(&mut self, path: &str) -> io::Result<()> {
        if self.is_since(path) && !path.starts_with("parts/") {
            return Ok(());
        }
        if path.ends_with(".parquet") {
            return self.part(path);
        }
        if path.starts_with("identities/") {
            let file = self.disk.read(&self.root.join(path))?;
            if let Ok((identities, _)) = dedup::decode(&file) {
                self.bytes(path, identities.as_flattened());
            }
        }
        self.messages(path)?;
        let mut buffer = vec![0; CHUNK_BYTES];
        let (mut offset, mut kept) = (0, 0);
        loop {
            let target = self.root.join(path);
            let filled = self.disk.read_at(&target, offset, &mut buffer[kept..])?;
            let end = kept + filled;
            self.bytes(path, &buffer[..end]);
            if end < buffer.len() {
                return Ok(());
            }
            offset += filled as u64;
            kept = OVERLAP;
            buffer.copy_within(end - OVERLAP.., 0);
        }
    }

    /// Searches what is in sealed messages: frames of the journal, lines of the audit trail.
    fn messages(&mut self, path: &str) -> io::Result<()> {
        let is_one_of = |folder: &&str| path.starts_with(*folder);
        let (Some(vault), true) = (self.vault, MESSAGES.iter().any(is_one_of)) else {
            return Ok(());
        };
        let file = self.disk.read(&self.root.join(path))?;
        let mut outcome = Ok(());
        vault.open_within(&file, |opened| match opened {
            Ok(plain) => self.bytes(path, &plain),
            Err(error) => outcome = Err(error),
        });
        outcome
    }

    /// Whether a file holds only what came after the erasure had begun.
    fn is_since(&self, path: &str) -> bool {
        if path.starts_with("parts/") {
            return self.named.contains(path) && !self.known.contains(path);
        }
        let first = path
            .strip_prefix("journal/journal-")
            .and_then(|name| name.strip_suffix(".seg"))
            .and_then(|first| first.parse::<u64>().ok());
        first.is_some_and(|first| first > self.through)
    }

    fn bytes(&mut self, path: &str, bytes: &[u8]) {
        self.search.bytes += bytes.len() as u64;
        let found = &mut self.found;
        self.identifiers.find(bytes, |identifier| {
            // What rows of others explain has been noted before.
            found
                .identifiers
                .entry((path.to_owned(), identifier))
                .or_insert(false);
        });
        self.stretches.find(bytes, |hash| {
            found
                .stretches
                .entry(hash)
                .or_insert_with(|| path.to_owned());
        });
    }

    fn part(&mut self, path: &str) -> io::Result<()> {
        let file = Bytes::from(self.disk.read(&self.root.join(path))?);
        let table = Table::ALL
            .into_iter()
            .find(|table| path.split('/').nth(1) == Some(table.name()))
            .ok_or_else(|| io::Error::other("it is no table's"))?;
        // A file that nobody names may be anything, and readers of Parquet panic on anything.
        let looked = catch_unwind(AssertUnwindSafe(|| {
            self.rows(path, table, file.clone())?;
            if !self.is_since(path) {
                self.pages(path, file.clone())?;
                self.bytes(path, &file);
            }
            Ok(())
        }));
        looked.unwrap_or_else(|_| Err(io::Error::other("it cannot be read")))
    }

    fn pages(&mut self, path: &str, file: Bytes) -> io::Result<()> {
        let reader = SerializedFileReader::new(file).map_err(io::Error::other)?;
        for group in 0..reader.num_row_groups() {
            let group = reader.get_row_group(group).map_err(io::Error::other)?;
            for column in 0..group.num_columns() {
                let pages = group
                    .get_column_page_reader(column)
                    .map_err(io::Error::other)?;
                for page in pages {
                    self.bytes(path, page.map_err(io::Error::other)?.buffer());
                }
            }
        }
        Ok(())
    }

    fn rows(&mut self, path: &str, table: Table, file: Bytes) -> io::Result<()> {
        let reader = part::Reader::open(table, file, None).map_err(io::Error::other)?;
        let is_since = self.is_since(path);
        for batch in reader {
            let batch = batch.map_err(io::Error::other)?;
            let own = self.own(table, &batch);
            if is_since {
                self.search.since += own.iter().filter(|own| **own).count() as u64;
            }
            for column in batch.columns() {
                values(column, &own, |row, value| {
                    self.value(path, value, own[row], is_since);
                });
            }
        }
        Ok(())
    }

    fn value(&mut self, path: &str, value: &[u8], is_own: bool, is_since: bool) {
        self.search.bytes += value.len() as u64;
        if !is_own {
            self.excuse(value);
        }
        let found = &mut self.found;
        if !is_since {
            self.identifiers.find(value, |identifier| {
                let key = (path.to_owned(), identifier);
                *found.identifiers.entry(key).or_insert(true) &= !is_own;
            });
        }
        if is_own && !is_since {
            self.stretches.find(value, |hash| {
                let at = found.stretches.entry(hash);
                at.or_insert_with(|| path.to_owned());
            });
        }
    }

    /// Takes note that a text is of others, or of nobody. Column files write its length before it, in
    /// their statistics, just as protobuf does, which is among what was removed.
    fn excuse(&mut self, text: &[u8]) {
        let of_others = &mut self.found.of_others;
        let mut note = |hash| {
            of_others.insert(hash);
        };
        self.stretches.find(text, &mut note);
        self.stretches.find(&with_length(text), &mut note);
    }

    /// Which rows name the person.
    fn own(&self, table: Table, rows: &RecordBatch) -> Vec<bool> {
        own_rows(table, rows, self.identifiers)
    }
}

/// Which rows are known by one of the identifiers.
pub(super) fn own_rows(table: Table, rows: &RecordBatch, identifiers: &Identifiers) -> Vec<bool> {
    let mut own = vec![false; rows.num_rows()];
    if table == Table::Quarantine {
        identifiers.mark_rows(rows, &mut own);
        return own;
    }
    for name in super::tally::NAMING {
        let Some(column) = text(rows, name) else {
            continue;
        };
        let mut last = None;
        for (row, is_own) in own.iter_mut().enumerate() {
            if column.is_null(row) {
                continue;
            }
            let view = column.views()[row];
            let is_one = match last {
                Some((known, is_one)) if known == view => is_one,
                _ => identifiers.is_one(column.value(row)),
            };
            last = Some((view, is_one));
            *is_own |= is_one;
        }
    }
    own
}
