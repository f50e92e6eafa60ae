//! The keys of a directory, and the file that holds them, wrapped by the root key.
//!
//! ```text
//! tallybook key ring 1
//! root <name of the root key>
//! key <id> current|old <made at, Unix seconds> <salt, key and whose it is, wrapped; in hex>
//! mac <HMAC-SHA256 of all lines before, in hex>
//! ```
//!
//! Invariant: a key is used only after both copies of the file that has it are durable. Of one scope there
//! is one current key; old ones open what they have sealed.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, IoSlice};
use std::path::Path;

use data_encoding::HEXLOWER;
use ring::hmac;

use super::cipher::Cipher;
use super::root::RootKey;
use super::vault::Random;
use super::{Scope, SealError, file, message};
use crate::disk::Disk;
use crate::secret::KEY_BYTES;

/// Where the ring is, under the directory.
pub const PATH: &str = "keys/ring";
/// The same again.
pub(super) const COPY_PATH: &str = "keys/ring.copy";
const TITLE: &str = "tallybook key ring 1";
/// Longer files are no ring: room for tens of thousands of keys.
const FILE_BYTES_MAX: u64 = 64 << 20;
const SALT_BYTES: usize = 16;
const USAGE: &str = "key";

/// The name of a key: random, and no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(pub(super) [u8; 8]);

impl KeyId {
    /// The key that a sealed file says it is under.
    #[must_use]
    pub fn of_header(beginning: &[u8]) -> Option<KeyId> {
        let id = beginning.get(file::KEY)?;
        id.try_into().ok().map(KeyId)
    }

    /// The key that a sealed message says it is under.
    #[must_use]
    pub fn of_message(beginning: &[u8]) -> Option<KeyId> {
        let id = beginning.get(message::KEY)?;
        id.try_into().ok().map(KeyId)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

/// What may be told of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyInfo {
    /// Its name.
    pub id: KeyId,
    /// Whose it is.
    pub scope: Scope,
    /// Whether it seals what is written now.
    pub is_current: bool,
    /// When it was made, Unix seconds.
    pub made_at_s: u64,
}

#[derive(Clone)]
pub(super) struct Key {
    pub(super) info: KeyInfo,
    pub(super) key: [u8; KEY_BYTES],
}

/// The keys of a directory.
#[derive(Clone, Default)]
pub(super) struct Ring {
    pub(super) keys: BTreeMap<KeyId, Key>,
}

impl Ring {
    pub(super) fn current(&self, scope: &Scope) -> Option<&Key> {
        let mut keys = self.keys.values();
        keys.find(|key| key.info.is_current && key.info.scope == *scope)
    }

    /// A new current key for a scope; the one before opens what it has sealed.
    pub(super) fn renew(&mut self, scope: &Scope, now_s: u64, random: &Random) -> io::Result<Key> {
        for key in self.keys.values_mut() {
            key.info.is_current &= key.info.scope != *scope;
        }
        let mut id = KeyId(random.bytes()?);
        while self.keys.contains_key(&id) {
            id = KeyId(random.bytes()?);
        }
        let key = Key {
            info: KeyInfo {
                id,
                scope: scope.clone(),
                is_current: true,
                made_at_s: now_s,
            },
            key: random.bytes()?,
        };
        self.keys.insert(key.info.id, key.clone());
        Ok(key)
    }

    /// Makes the ring durable, wrapped by `root`: first the file, then its copy.
    pub(super) fn save(
        &self,
        disk: &dyn Disk,
        dir: &Path,
        root: &RootKey,
        random: &Random,
    ) -> io::Result<()> {
        let text = self.text(root, random)?;
        let folder = dir.join("keys");
        disk.create_dir_all(&folder)?;
        for path in [PATH, COPY_PATH] {
            let (target, draft) = (dir.join(path), dir.join(format!("{path}.unfinished")));
            let mut file = match disk.create_new(&draft) {
                // Left by a process that died.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    disk.remove(&draft)?;
                    disk.create_new(&draft)?
                }
                made => made?,
            };
            file.write_all(&mut [IoSlice::new(text.as_bytes())])?;
            file.sync_data()?;
            disk.rename(&draft, &target)?;
            disk.sync_dir(&folder)?;
        }
        Ok(())
    }

    fn text(&self, root: &RootKey, random: &Random) -> io::Result<String> {
        let mut text = format!("{TITLE}\nroot {}\n", root.name());
        for Key { info, key } in self.keys.values() {
            let state = if info.is_current { "current" } else { "old" };
            let line = format!("key {} {state} {}", info.id, info.made_at_s);
            let salt: [u8; SALT_BYTES] = random.bytes()?;
            let mut plain = key.to_vec();
            plain.extend_from_slice(&encode(&info.scope));
            let wrapping = Cipher::derived(&root.derived(USAGE), &salt, USAGE);
            let tag = wrapping.seal(0, line.as_bytes(), &mut plain);
            let wrapped = HEXLOWER.encode(&[&salt[..], &plain, &tag].concat());
            text.push_str(&format!("{line} {wrapped}\n"));
        }
        let tag = hmac::sign(&mac_key(root), text.as_bytes());
        Ok(format!("{text}mac {}\n", HEXLOWER.encode(tag.as_ref())))
    }

    /// The ring of a directory; `None` when there is none.
    pub(super) fn load(
        disk: &dyn Disk,
        dir: &Path,
        root: Option<&RootKey>,
    ) -> Result<Option<Ring>, SealError> {
        let mut faults = Vec::new();
        for path in [PATH, COPY_PATH] {
            let bytes = match read(disk, &dir.join(path)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => {
                    faults.push(Fault::Damaged(error.to_string()));
                    continue;
                }
                Ok(bytes) => bytes,
            };
            let Some(root) = root else {
                return Err(SealError::NoRootKey {
                    dir: dir.to_owned(),
                });
            };
            match Ring::parse(&bytes, root) {
                Ok(ring) => return Ok(Some(ring)),
                Err(fault) => faults.push(fault),
            }
        }
        let dir = dir.to_owned();
        // A ring that is whole and of another root says more than a damaged one.
        let other = faults.iter().find_map(|fault| match fault {
            Fault::OtherRoot(wanted) => Some(wanted.clone()),
            Fault::Damaged(_) => None,
        });
        match (other, root, faults.into_iter().next()) {
            (Some(wanted), Some(root), _) => Err(SealError::WrongRootKey {
                dir,
                wanted,
                given: root.name(),
            }),
            (_, _, Some(Fault::Damaged(reason))) => Err(SealError::Damaged { dir, reason }),
            _ => Ok(None),
        }
    }

    fn parse(bytes: &[u8], root: &RootKey) -> Result<Ring, Fault> {
        let damaged = |what: &str| Fault::Damaged(what.to_owned());
        let text = std::str::from_utf8(bytes).map_err(|_| damaged("it is no text"))?;
        let rest = text
            .strip_prefix(TITLE)
            .and_then(|rest| rest.strip_prefix("\nroot "))
            .ok_or_else(|| damaged("it does not begin as a key ring of this version"))?;
        let (name, _) = rest.split_once('\n').ok_or_else(|| damaged("it is cut"))?;
        if name != root.name() {
            return Err(Fault::OtherRoot(name.to_owned()));
        }
        let at = text.rfind("mac ").ok_or_else(|| damaged("it is cut"))?;
        let (lines, mac) = text.split_at(at);
        let mac = mac.strip_prefix("mac ").unwrap_or_default().trim_end();
        let mac = HEXLOWER.decode(mac.as_bytes()).unwrap_or_default();
        hmac::verify(&mac_key(root), lines.as_bytes(), &mac)
            .map_err(|_| damaged("it is not what was written"))?;
        let mut ring = Ring::default();
        for line in lines.lines().skip(2) {
            let key = unwrapped(line, root).ok_or_else(|| damaged("a key cannot be unwrapped"))?;
            ring.keys.insert(key.info.id, key);
        }
        Ok(ring)
    }
}

enum Fault {
    OtherRoot(String),
    Damaged(String),
}

/// Whether both copies are there and say the same.
pub(super) fn are_copies_alike(disk: &dyn Disk, dir: &Path) -> bool {
    let [one, other] = [PATH, COPY_PATH].map(|path| read(disk, &dir.join(path)));
    one.ok()
        .zip(other.ok())
        .is_some_and(|(one, other)| one == other)
}

/// Makes durable what is read: a copy has its name only when its content is durable, so names are enough.
pub(super) fn make_durable(disk: &dyn Disk, dir: &Path) -> io::Result<()> {
    disk.sync_dir(&dir.join("keys"))
}

fn read(disk: &dyn Disk, path: &Path) -> io::Result<Vec<u8>> {
    if disk.file_len(path)? > FILE_BYTES_MAX {
        return Err(io::Error::other("it is too long for a key ring"));
    }
    disk.read(path)
}

fn mac_key(root: &RootKey) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, &root.derived("ring"))
}

fn unwrapped(line: &str, root: &RootKey) -> Option<Key> {
    let (bound, wrapped) = line.rsplit_once(' ')?;
    let mut words = bound.strip_prefix("key ")?.split(' ');
    let id = HEXLOWER.decode(words.next()?.as_bytes()).ok()?;
    let is_current = words.next()? == "current";
    let made_at_s = words.next()?.parse().ok()?;
    let mut wrapped = HEXLOWER.decode(wrapped.as_bytes()).ok()?;
    let (salt, sealed) = wrapped.split_at_mut_checked(SALT_BYTES)?;
    let wrapping = Cipher::derived(&root.derived(USAGE), salt, USAGE);
    let plain = wrapping.open(0, bound.as_bytes(), sealed).ok()?;
    let (key, scope) = plain.split_first_chunk::<KEY_BYTES>()?;
    Some(Key {
        info: KeyInfo {
            id: KeyId(id.try_into().ok()?),
            scope: decode(scope)?,
            is_current,
            made_at_s,
        },
        key: *key,
    })
}

fn encode(scope: &Scope) -> Vec<u8> {
    match scope {
        Scope::Installation => b"i".to_vec(),
        Scope::Named(name) => [b"n", name.as_bytes()].concat(),
    }
}

fn decode(bytes: &[u8]) -> Option<Scope> {
    match bytes.split_first()? {
        (b'i', []) => Some(Scope::Installation),
        (b'n', name) => Some(Scope::Named(String::from_utf8(name.to_vec()).ok()?)),
        _ => None,
    }
}
