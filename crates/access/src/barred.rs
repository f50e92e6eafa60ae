//! People who were erased and whose items are not taken any more.
//!
//! Invariant: the list names nobody. Of each id there is a keyed hash (HMAC-SHA256 under a key of the
//! installation, cut to 16 bytes); who has the list and not the key cannot even test a guess. A change
//! counts from the moment that it is on the disk.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use data_encoding::HEXLOWER;
use ring::hmac;
use serde::{Deserialize, Serialize};

use crate::{Document, DocumentError, Kept};

/// Bytes of a hash: enough that two ids never meet by chance.
const HASH_BYTES: usize = 16;
/// So many ids in all: each is about 40 bytes of the document.
const IDS_MAX: usize = 200_000;

/// Somebody whose items are not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BarredPerson {
    /// The id of the erasure with which it began.
    pub id: String,
    /// Since when, milliseconds since the Unix epoch.
    pub since_ms: u64,
    /// Who asked for it.
    pub by: String,
    /// Only items that belong to this organisation; none: whose ever they are.
    pub organization: Option<String>,
    /// Keyed hashes of their ids, sessions and installations, in hexadecimal digits.
    hashes: BTreeSet<String>,
}

impl BarredPerson {
    /// By how many ids, sessions and installations they are known.
    #[must_use]
    pub fn ids(&self) -> usize {
        self.hashes.len()
    }
}

/// Whose items are not to be taken from now on.
#[derive(Clone, Debug)]
pub struct Bar<'a> {
    /// The erasure's id.
    pub id: &'a str,
    /// When it was asked for, milliseconds since the Unix epoch.
    pub since_ms: u64,
    /// Who asks.
    pub by: &'a str,
    /// Only items of this organisation.
    pub organization: Option<&'a str>,
    /// By what they are known, as it is written.
    pub ids: &'a BTreeSet<String>,
}

/// Why the list was not changed or read.
#[derive(Debug)]
pub enum BarredError {
    /// There is nobody of this id on it.
    Unknown(String),
    /// It would become too long.
    Full,
    /// The file cannot be read or written.
    Document(DocumentError),
}

impl fmt::Display for BarredError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BarredError::Unknown(id) => write!(
                f,
                "nobody is refused under {id:?}: tallybook erase refused list names them"
            ),
            BarredError::Full => write!(
                f,
                "the list of who is refused would have more than {IDS_MAX} ids: remove somebody with tallybook erase refused remove"
            ),
            BarredError::Document(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for BarredError {}

impl From<DocumentError> for BarredError {
    fn from(error: DocumentError) -> BarredError {
        BarredError::Document(error)
    }
}

type Hash = [u8; HASH_BYTES];

/// The list of a data directory, which several processes may read.
pub struct Barred {
    kept: Kept<Vec<BarredPerson>>,
    key: hmac::Key,
    last: Mutex<Arc<BarredIds>>,
}

impl fmt::Debug for Barred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Barred")
    }
}

/// The list at one moment, to be asked about ids.
pub struct BarredIds {
    of: Arc<Vec<BarredPerson>>,
    key: hmac::Key,
    /// Each hash, and for which organisations.
    hashes: HashMap<Hash, Vec<Option<String>>>,
}

impl Barred {
    /// That of a data directory; `key` is the installation's for this use alone.
    #[must_use]
    pub fn of(data_dir: &Path, key: &[u8; 32]) -> Barred {
        let document = Document::at(data_dir.join("access").join("refused-people.json"));
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        Barred {
            kept: Kept::new(document),
            last: Mutex::new(Arc::new(BarredIds::new(Arc::default(), key.clone()))),
            key,
        }
    }

    /// Takes nothing more of somebody, durably when this returns. What is said again under the same id
    /// adds ids.
    ///
    /// # Errors
    /// The list would be too long, or cannot be written.
    pub fn add(&self, bar: &Bar<'_>) -> Result<(), BarredError> {
        let hashes = bar
            .ids
            .iter()
            .map(|id| HEXLOWER.encode(&hash(&self.key, id)));
        let hashes: BTreeSet<String> = hashes.collect();
        self.kept.change(|people| {
            match people.iter_mut().find(|person| person.id == bar.id) {
                Some(person) => person.hashes.extend(hashes),
                None => people.push(BarredPerson {
                    id: bar.id.to_owned(),
                    since_ms: bar.since_ms,
                    by: bar.by.to_owned(),
                    organization: bar.organization.map(str::to_owned),
                    hashes,
                }),
            }
            match people.iter().map(BarredPerson::ids).sum::<usize>() > IDS_MAX {
                true => Err(BarredError::Full),
                false => Ok(()),
            }
        })
    }

    /// Takes somebody's items again.
    ///
    /// # Errors
    /// There is nobody of this id, or the list cannot be written.
    pub fn remove(&self, id: &str) -> Result<BarredPerson, BarredError> {
        self.kept.change(|people| {
            let at = people.iter().position(|person| person.id == id);
            let at = at.ok_or_else(|| BarredError::Unknown(id.to_owned()))?;
            Ok(people.remove(at))
        })
    }

    /// Who is on it, the latest last.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn list(&self) -> Result<Arc<Vec<BarredPerson>>, DocumentError> {
        self.kept.look()
    }

    /// The list as it is now, to be asked about ids. Costs one `stat` where nothing has changed.
    ///
    /// # Errors
    /// It cannot be read: then nobody can say who is on it.
    pub fn now(&self) -> Result<Arc<BarredIds>, DocumentError> {
        let people = self.kept.look()?;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if !Arc::ptr_eq(&last.of, &people) {
            *last = Arc::new(BarredIds::new(people, self.key.clone()));
        }
        Ok(Arc::clone(&last))
    }
}

impl BarredIds {
    fn new(of: Arc<Vec<BarredPerson>>, key: hmac::Key) -> BarredIds {
        let mut hashes: HashMap<Hash, Vec<Option<String>>> = HashMap::new();
        for person in of.iter() {
            let decoded = person.hashes.iter().filter_map(|text| {
                let bytes = HEXLOWER.decode(text.as_bytes()).ok()?;
                Hash::try_from(bytes).ok()
            });
            for hash in decoded {
                hashes
                    .entry(hash)
                    .or_default()
                    .push(person.organization.clone());
            }
        }
        BarredIds { of, key, hashes }
    }

    /// Whether there is nobody, so that nothing needs to be looked at.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Whether an item of this organisation is not taken that is known by this id.
    #[must_use]
    pub fn has(&self, id: &str, organization: &str) -> bool {
        let found = self.hashes.get(&hash(&self.key, id));
        found.is_some_and(|only| {
            let mut only = only.iter();
            only.any(|only| only.as_deref().is_none_or(|only| only == organization))
        })
    }
}

/// The same for one id however its letters are written.
fn hash(key: &hmac::Key, id: &str) -> Hash {
    let tag = hmac::sign(key, id.trim().to_lowercase().as_bytes());
    let mut hash = [0; HASH_BYTES];
    hash.copy_from_slice(&tag.as_ref()[..HASH_BYTES]);
    hash
}

#[cfg(test)]
mod tests {
    //! Who is on the list is known by any spelling, for their organisation alone, over a restart; and the
    //! file names nobody.
    use super::*;

    fn ids(ids: &[&str]) -> BTreeSet<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    fn bar<'a>(id: &'a str, organization: Option<&'a str>, ids: &'a BTreeSet<String>) -> Bar<'a> {
        Bar {
            id,
            since_ms: 7,
            by: "officer",
            organization,
            ids,
        }
    }

    #[test]
    fn who_is_barred_is_known_again_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let barred = Barred::of(folder.path(), &[1; 32]);
        assert!(barred.now().unwrap().is_empty());
        let (ann, more) = (ids(&["ann@example.com", "acc-1"]), ids(&["machine-9"]));
        barred.add(&bar("e1", None, &ann)).unwrap();
        barred.add(&bar("e1", None, &more)).unwrap();
        let ben = ids(&["ben@example.com"]);
        barred.add(&bar("e2", Some("North"), &ben)).unwrap();
        for barred in [barred, Barred::of(folder.path(), &[1; 32])] {
            let now = barred.now().unwrap();
            for id in [" ANN@Example.com", "acc-1", "machine-9"] {
                assert!(now.has(id, "South"), "{id}");
            }
            assert!(now.has("ben@example.com", "North"));
            assert!(
                !now.has("ben@example.com", "South"),
                "another organisation's"
            );
            assert!(!now.has("bea@example.com", "North"));
            assert_eq!(barred.list().unwrap().len(), 2);
        }
        let file = std::fs::read(folder.path().join("access/refused-people.json")).unwrap();
        let file = String::from_utf8(file).unwrap().to_lowercase();
        for id in ["ann@", "acc-1", "machine-9", "ben@"] {
            assert!(!file.contains(id), "{id} is in {file}");
        }
        let other = Barred::of(folder.path(), &[2; 32]);
        assert!(!other.now().unwrap().has("acc-1", "South"), "another key");
    }

    #[test]
    fn who_is_removed_is_taken_again() {
        let folder = tempfile::tempdir().unwrap();
        let barred = Barred::of(folder.path(), &[1; 32]);
        let ann = ids(&["ann@example.com"]);
        barred.add(&bar("e1", None, &ann)).unwrap();
        let before = barred.now().unwrap();
        assert_eq!(barred.remove("e1").unwrap().ids(), 1);
        assert!(barred.now().unwrap().is_empty());
        assert!(
            before.has("ann@example.com", ""),
            "who has begun goes on as it was"
        );
        let again = barred.remove("e1").unwrap_err().to_string();
        assert!(again.contains("erase refused list"), "{again}");
    }
}
