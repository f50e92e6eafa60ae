//! A directory's ring, open.

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::SystemTime;

use super::file::{self, Header, Opened};
use super::message::{self, Envelope, Found};
use super::ring::{self, Key, KeyId, KeyInfo, Ring};
use super::root::RootKey;
use super::{Scope, SealError, invalid};
use crate::disk::Disk;
use crate::secret::{KEY_BYTES, Secret, random};

/// Where keys and salts come from.
#[derive(Clone, Debug, Default)]
pub enum Random {
    /// The operating system.
    #[default]
    System,
    /// A seed, so that a simulation can be repeated. Never for anything real: after a restart it begins
    /// again.
    Seeded(u64, Arc<AtomicU64>),
}

impl Random {
    /// That which follows from a seed.
    #[must_use]
    pub fn seeded(seed: u64) -> Random {
        Random::Seeded(seed, Arc::default())
    }

    /// Now, Unix seconds: told to people, nothing is decided by it. A simulation has no real time.
    fn now_s(&self) -> u64 {
        match self {
            Random::System => {
                let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
                since.map_or(0, |since| since.as_secs())
            }
            Random::Seeded(..) => 0,
        }
    }

    /// `N` bytes, 32 at most.
    pub(super) fn bytes<const N: usize>(&self) -> io::Result<[u8; N]> {
        let bytes = match self {
            Random::System => random()?,
            Random::Seeded(seed, drawn) => {
                let mut from = [0; KEY_BYTES];
                from[..8].copy_from_slice(&seed.to_le_bytes());
                from[8..16].copy_from_slice(&drawn.fetch_add(1, Ordering::Relaxed).to_le_bytes());
                Secret::from_bytes(&from).key("simulated")
            }
        };
        bytes
            .first_chunk()
            .copied()
            .ok_or_else(|| io::Error::other("more random bytes than there are at once"))
    }
}

/// The keys of a directory, open. One process at a time may make keys: the one that holds the directory.
///
/// Invariant: who asks for a key that is there never waits for the disk, whatever is being changed.
pub struct Vault {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    random: Random,
    /// Held while a change is being made durable: one at a time.
    changing: Mutex<()>,
    /// Written only to put in place what is durable.
    open: RwLock<Open>,
}

#[derive(Clone)]
struct Open {
    root: RootKey,
    ring: Ring,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault({})", self.dir.display())
    }
}

impl Vault {
    /// The ring of a directory; `None` when there is none: nothing is encrypted there. Changes nothing.
    ///
    /// # Errors
    /// There is a ring, and no root key or another; or it is damaged.
    pub fn open(
        disk: Arc<dyn Disk>,
        dir: &Path,
        root: Option<&RootKey>,
        random: Random,
    ) -> Result<Option<Vault>, SealError> {
        let ring = Ring::load(disk.as_ref(), dir, root)?;
        Ok(ring.zip(root).map(|(ring, root)| Vault {
            disk,
            dir: dir.to_owned(),
            random,
            changing: Mutex::default(),
            open: RwLock::new(Open {
                root: root.clone(),
                ring,
            }),
        }))
    }

    /// Begins a ring in a directory that has none, durably.
    ///
    /// # Errors
    /// The disk fails.
    pub fn create(
        disk: Arc<dyn Disk>,
        dir: &Path,
        root: &RootKey,
        random: Random,
    ) -> Result<Vault, SealError> {
        let vault = Vault {
            disk,
            dir: dir.to_owned(),
            random,
            changing: Mutex::default(),
            open: RwLock::new(Open {
                root: root.clone(),
                ring: Ring::default(),
            }),
        };
        vault.key_of(&Scope::Installation)?;
        Ok(vault)
    }

    /// Makes durable, in both copies, what was read when the ring was opened: a process that was killed
    /// may have left it half done. Only for who holds the directory; blocks on the disk.
    ///
    /// # Errors
    /// The disk fails: then nothing may be sealed.
    pub fn settle(&self) -> io::Result<()> {
        if ring::are_copies_alike(self.disk.as_ref(), &self.dir) {
            return ring::make_durable(self.disk.as_ref(), &self.dir);
        }
        self.change(|_, _| Ok(()))
    }

    /// The directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What may be told of the root key.
    #[must_use]
    pub fn root_name(&self) -> String {
        self.read().root.name()
    }

    /// All keys, whose each is.
    #[must_use]
    pub fn keys(&self) -> Vec<KeyInfo> {
        let open = self.read();
        open.ring
            .keys
            .values()
            .map(|key| key.info.clone())
            .collect()
    }

    /// A sealed file with this content, which belongs at `name` under the directory. Makes the scope's key
    /// if there is none; then it blocks on the disk.
    ///
    /// # Errors
    /// A key cannot be made.
    pub fn seal_file(&self, scope: &Scope, name: &str, plain: &[u8]) -> io::Result<Vec<u8>> {
        let Key { info, key } = self.key_of(scope)?;
        let salt = self.random.bytes()?;
        Ok(file::seal(info.id, &key, &salt, name, plain))
    }

    /// The file at `name`, to be read; `beginning` is its first [`super::HEADER_BYTES`] bytes, or more.
    ///
    /// # Errors
    /// It is not as it was written, or its key is not in the ring.
    pub fn open_file(&self, name: &str, beginning: &[u8], bytes: u64) -> io::Result<Opened> {
        let header = Header::of(beginning, bytes)?;
        let key = self.key(header.key())?;
        Ok(header.open(&key.key, name))
    }

    /// What is in a file that is in memory.
    ///
    /// # Errors
    /// As [`Vault::open_file`].
    pub fn unseal(&self, name: &str, sealed: &[u8]) -> io::Result<Vec<u8>> {
        let opened = self.open_file(name, sealed, sealed.len() as u64)?;
        let length = usize::try_from(opened.plain_bytes()).map_err(io::Error::other)?;
        let mut plain = vec![0; length];
        let read_at = |offset: u64, buffer: &mut [u8]| {
            let rest = sealed.get(offset as usize..).unwrap_or_default();
            let count = rest.len().min(buffer.len());
            buffer[..count].copy_from_slice(&rest[..count]);
            Ok(count)
        };
        opened.read(read_at, 0, &mut plain)?;
        Ok(plain)
    }

    /// Which key a sealed file is under, and whose that is, if it is in the ring.
    #[must_use]
    pub fn key_of_file(&self, beginning: &[u8], bytes: u64) -> Option<(KeyId, Option<KeyInfo>)> {
        let id = Header::of(beginning, bytes).ok()?.key();
        Some((id, self.key(id).ok().map(|key| key.info)))
    }

    /// Seals messages for a scope. Makes its key if there is none; then it blocks on the disk.
    ///
    /// # Errors
    /// A key cannot be made.
    pub fn envelope(&self, scope: &Scope) -> io::Result<Envelope> {
        let Key { info, key } = self.key_of(scope)?;
        Ok(Envelope {
            id: info.id,
            key,
            random: self.random.clone(),
        })
    }

    /// Whether a scope has a key, so that nothing blocks.
    #[must_use]
    pub fn has_key(&self, scope: &Scope) -> bool {
        self.read().ring.current(scope).is_some()
    }

    /// The number and the content of a message.
    ///
    /// # Errors
    /// It is not as it was sealed, or its key is not in the ring.
    pub fn open_message(&self, bytes: &[u8]) -> io::Result<(u64, Vec<u8>)> {
        let found = Found::at(bytes)?;
        let key = self.key(found.key())?;
        Ok((found.number(), found.open(&key.key)?))
    }

    /// The message that a line is; `None` when it is plain.
    ///
    /// # Errors
    /// As [`Vault::open_message`].
    pub fn open_line(&self, line: &[u8]) -> io::Result<Option<Vec<u8>>> {
        match message::of_line(line) {
            Some(message) => self.open_message(&message).map(|(_, plain)| Some(plain)),
            None => Ok(None),
        }
    }

    /// Which key the message that a line is says it is under; `None` when it is plain.
    #[must_use]
    pub fn key_of_line(line: &[u8]) -> Option<KeyId> {
        message::of_line(line).and_then(|message| KeyId::of_message(&message))
    }

    /// Hands over what is in every sealed message among some bytes, lines too; an error for what begins
    /// as one and cannot be opened.
    pub fn open_within(&self, bytes: &[u8], mut each: impl FnMut(io::Result<Vec<u8>>)) {
        let mut rest = bytes;
        while let Some(at) = message::find(rest) {
            rest = &rest[at..];
            let found = Found::at(rest);
            let length = found.as_ref().map_or(1, Found::len);
            each(self.open_message(rest).map(|(_, plain)| plain));
            rest = &rest[length..];
        }
        for line in bytes.split(|byte| *byte == b'\n') {
            if let Some(opened) = self.open_line(line).transpose() {
                each(opened);
            }
        }
    }

    /// New current keys for all scopes; what was sealed before stays readable.
    ///
    /// # Errors
    /// The disk fails; nothing has changed then.
    pub fn rotate_keys(&self) -> io::Result<()> {
        self.change(|open, random| {
            let keys = open.ring.keys.values();
            let scopes: BTreeSet<Scope> = keys.map(|key| key.info.scope.clone()).collect();
            for scope in &scopes {
                open.ring.renew(scope, random.now_s(), random)?;
            }
            Ok(())
        })
    }

    /// Wraps all keys by another root key. When it returns, the one before opens nothing any more; cut
    /// short, each of both may.
    ///
    /// # Errors
    /// The disk fails: then the one before still opens the ring, or both do.
    pub fn rotate_root(&self, root: RootKey) -> io::Result<()> {
        self.change(|open, _| {
            open.root = root;
            Ok(())
        })
    }

    /// Forgets old keys that are not among those in use; says how many.
    ///
    /// # Errors
    /// The disk fails; nothing has changed then.
    pub fn drop_unused(&self, used: &HashSet<KeyId>) -> io::Result<usize> {
        self.forget(|info| !info.is_current && !used.contains(&info.id))
    }

    /// Forgets all keys of a scope: nothing that they have sealed can be read any more.
    ///
    /// # Errors
    /// The disk fails; nothing has changed then.
    pub fn destroy(&self, scope: &Scope) -> io::Result<usize> {
        self.forget(|info| info.scope == *scope)
    }

    fn forget(&self, is_meant: impl Fn(&KeyInfo) -> bool) -> io::Result<usize> {
        let mut forgotten = 0;
        self.change(|open, _| {
            let before = open.ring.keys.len();
            open.ring.keys.retain(|_, key| !is_meant(&key.info));
            forgotten = before - open.ring.keys.len();
            Ok(())
        })?;
        Ok(forgotten)
    }

    fn key(&self, id: KeyId) -> io::Result<Key> {
        let open = self.read();
        let key = open.ring.keys.get(&id).cloned();
        key.ok_or_else(|| {
            invalid(format!(
                "it is encrypted under the key {id}, which is not in the key ring"
            ))
        })
    }

    fn key_of(&self, scope: &Scope) -> io::Result<Key> {
        if let Some(key) = self.read().ring.current(scope) {
            return Ok(key.clone());
        }
        let mut made = None;
        self.change(|open, random| {
            made = match open.ring.current(scope) {
                Some(key) => Some(key.clone()),
                None => Some(open.ring.renew(scope, random.now_s(), random)?),
            };
            Ok(())
        })?;
        made.ok_or_else(|| io::Error::other("no key was made"))
    }

    /// Changes the ring: on the disk first, then here.
    fn change(&self, change: impl FnOnce(&mut Open, &Random) -> io::Result<()>) -> io::Result<()> {
        let _alone = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = self.read().clone();
        change(&mut next, &self.random)?;
        next.ring
            .save(self.disk.as_ref(), &self.dir, &next.root, &self.random)?;
        *self.open.write().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(())
    }

    fn read(&self) -> RwLockReadGuard<'_, Open> {
        self.open.read().unwrap_or_else(PoisonError::into_inner)
    }
}
