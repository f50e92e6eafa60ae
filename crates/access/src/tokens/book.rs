//! All tokens, on disk: `access/tokens.json` of the data directory; make, rotate, revoke.
//!
//! Invariant: a change is made to what is on the disk at that moment, by one process at a time, and
//! counts once it is there. Server and command line use this file alike; it is not part of what the
//! directory's own lock guards. Ended tokens stay, for they name what was written with them.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use base::private;
use serde::{Deserialize, Serialize};

use super::token::{Limits, Scope, ScopeError, Standing, Token};
use crate::credential::{Credential, Kind};
use crate::{Document, DocumentError};

/// Tokens in all, ended ones included.
const TOKENS_MAX: usize = 10_000;
/// Live tokens of one slot: the one in use and the one that replaces it.
const LIVE_PER_SLOT: usize = 2;
const SLOT_BYTES_MAX: usize = 64;
const VERSION: u32 = 1;

/// The tokens of a data directory.
#[derive(Debug, Clone)]
pub struct TokenBook {
    document: Document,
    folder: PathBuf,
}

/// What the document holds.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Content {
    version: u32,
    tokens: Vec<Token>,
}

/// A token to be made.
#[derive(Debug, Clone, Default)]
pub struct NewToken {
    /// What it is for: unique among live tokens.
    pub slot: String,
    /// What it may write.
    pub scope: Scope,
    /// How much.
    pub limits: Limits,
    /// Until before when, milliseconds since the Unix epoch.
    pub expires_ms: Option<u64>,
}

/// How a slot is rotated.
#[derive(Debug, Clone, Copy)]
pub struct Rotation {
    /// When the token in use ends.
    pub old_ends_ms: u64,
    /// Until before when the new one is taken.
    pub expires_ms: Option<u64>,
}

/// A token that was made just now.
#[derive(Debug)]
pub struct MadeToken {
    /// What is kept.
    pub token: Token,
    /// What is shown once.
    pub text: String,
    /// The token that it replaces, with its end.
    pub replaces: Option<Token>,
}

/// Why the tokens are not read or changed.
#[derive(Debug)]
pub enum BookError {
    /// The file cannot be read or written.
    Document(DocumentError),
    /// The lock beside it, or random bytes, cannot be had.
    Io(io::Error),
    /// A newer program wrote it.
    Newer(u32),
    /// What was asked cannot be.
    Wrong(String),
    /// No token or slot is called so.
    NotFound(String),
}

impl fmt::Display for BookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Document(error) => write!(f, "the tokens: {error}"),
            Self::Io(error) => write!(f, "the tokens: {error}"),
            Self::Newer(version) => write!(
                f,
                "the tokens have version {version}, and this program knows version {VERSION}: use the newer program"
            ),
            Self::Wrong(what) => f.write_str(what),
            Self::NotFound(name) => write!(
                f,
                "there is no token and no slot {name:?}: `tallybook token list` names them"
            ),
        }
    }
}

impl std::error::Error for BookError {}

impl From<DocumentError> for BookError {
    fn from(error: DocumentError) -> BookError {
        BookError::Document(error)
    }
}

impl From<io::Error> for BookError {
    fn from(error: io::Error) -> BookError {
        BookError::Io(error)
    }
}

impl From<ScopeError> for BookError {
    fn from(error: ScopeError) -> BookError {
        BookError::Wrong(error.to_string())
    }
}

/// What a file was when it was looked at: another one means other tokens.
pub(super) type Stamp = Option<(SystemTime, u64)>;

impl TokenBook {
    /// The tokens of the data directory `dir`.
    #[must_use]
    pub fn of(dir: &Path) -> TokenBook {
        let folder = dir.join("access");
        TokenBook {
            document: Document::at(folder.join("tokens.json")),
            folder,
        }
    }

    /// All tokens, oldest first.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn list(&self) -> Result<Vec<Token>, BookError> {
        Ok(self.content()?.tokens)
    }

    /// Makes the first token of a slot.
    ///
    /// # Errors
    /// What was asked cannot be, or cannot be written.
    pub fn create(&self, new: NewToken, now_ms: u64) -> Result<MadeToken, BookError> {
        let slot = checked_slot(&new.slot)?;
        let (scope, limits) = (new.scope.checked()?, new.limits.checked()?);
        is_in_future(new.expires_ms, now_ms)?;
        self.change(|tokens| {
            if live(tokens, &slot, now_ms).next().is_some() {
                return Err(BookError::Wrong(format!(
                    "slot {slot:?} has a live token: replace it with `tallybook token rotate {slot}`, or choose another name"
                )));
            }
            add(tokens, slot, scope, limits, new.expires_ms, now_ms)
        })
    }

    /// Makes a second token of a slot, and gives the one in use an end.
    ///
    /// # Errors
    /// There is none in use, or two are; or it cannot be written.
    pub fn rotate(
        &self,
        slot: &str,
        rotation: Rotation,
        now_ms: u64,
    ) -> Result<MadeToken, BookError> {
        self.rotate_if(slot, rotation, now_ms, |_| true)
    }

    /// The same, where tokens that may not be touched are not there.
    ///
    /// # Errors
    /// As [`TokenBook::rotate`].
    pub fn rotate_if(
        &self,
        slot: &str,
        rotation: Rotation,
        now_ms: u64,
        may: impl Fn(&Token) -> bool,
    ) -> Result<MadeToken, BookError> {
        is_in_future(rotation.expires_ms, now_ms)?;
        self.change(|tokens| {
            let in_use = live(tokens, slot, now_ms).filter(|token| may(token));
            let in_use: Vec<String> = in_use.map(|token| token.id.clone()).collect();
            let [old] = &in_use[..] else {
                return Err(match in_use.len() {
                    0 => BookError::NotFound(slot.to_owned()),
                    _ => BookError::Wrong(format!(
                        "slot {slot:?} has {LIVE_PER_SLOT} live tokens, {}: revoke the one that is out of use",
                        in_use.join(" and ")
                    )),
                });
            };
            let Some(old) = tokens.iter_mut().find(|token| token.id == *old) else {
                return Err(BookError::NotFound(slot.to_owned()));
            };
            let ends = old.expires_ms.unwrap_or(u64::MAX).min(rotation.old_ends_ms);
            old.expires_ms = Some(ends);
            let old = old.clone();
            let (scope, limits) = (old.scope.clone(), old.limits.clone());
            let made = add(tokens, old.slot.clone(), scope, limits, rotation.expires_ms, now_ms)?;
            Ok(MadeToken {
                replaces: Some(old),
                ..made
            })
        })
    }

    /// Ends a token by its id, or all live ones of a slot, at once. Gives those that it ended.
    ///
    /// # Errors
    /// No live token is called so, or it cannot be written.
    pub fn revoke(&self, name: &str, now_ms: u64) -> Result<Vec<Token>, BookError> {
        self.revoke_if(name, now_ms, |_| true)
    }

    /// The same, where tokens that may not be touched are not there.
    ///
    /// # Errors
    /// As [`TokenBook::revoke`].
    pub fn revoke_if(
        &self,
        name: &str,
        now_ms: u64,
        may: impl Fn(&Token) -> bool,
    ) -> Result<Vec<Token>, BookError> {
        self.change(|tokens| {
            let named = tokens
                .iter_mut()
                .filter(|token| token.id == name || token.slot == name);
            let live = named.filter(|token| may(token) && token.standing(now_ms) == Standing::Live);
            let ended: Vec<Token> = live
                .map(|token| {
                    token.revoked_ms = Some(now_ms);
                    token.clone()
                })
                .collect();
            match ended.is_empty() {
                true => Err(BookError::NotFound(name.to_owned())),
                false => Ok(ended),
            }
        })
    }

    /// The tokens as they were written last.
    fn content(&self) -> Result<Content, BookError> {
        let content: Content = self.document.read()?.unwrap_or_default();
        match content.version > VERSION {
            true => Err(BookError::Newer(content.version)),
            false => Ok(content),
        }
    }

    /// What is wrong where the file was there and is not any more.
    pub(super) fn is_gone(&self) -> BookError {
        let gone = "it was there and is gone; put it back, or restart to begin anew";
        self.document.failed(io::Error::other(gone)).into()
    }

    /// What the file is, to see cheaply whether it has changed.
    pub(super) fn stamp(&self) -> Stamp {
        let metadata = std::fs::metadata(self.folder.join("tokens.json")).ok()?;
        Some((metadata.modified().ok()?, inode(&metadata)))
    }

    fn change<T>(
        &self,
        change: impl FnOnce(&mut Vec<Token>) -> Result<T, BookError>,
    ) -> Result<T, BookError> {
        private::folder(&self.folder)?;
        let lock: File = private::file(&self.folder.join("tokens.lock"))?;
        // Whoever has it has it for one write.
        lock.lock()?;
        let mut content = self.content()?;
        let changed = change(&mut content.tokens)?;
        content.version = VERSION;
        self.document.replace(&content)?;
        Ok(changed)
    }
}

/// A replaced file is another one even within one tick of the clock.
#[cfg(unix)]
fn inode(metadata: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn inode(metadata: &std::fs::Metadata) -> u64 {
    metadata.len()
}

fn live<'a>(tokens: &'a [Token], slot: &'a str, now_ms: u64) -> impl Iterator<Item = &'a Token> {
    let of_slot = tokens.iter().filter(move |token| token.slot == slot);
    of_slot.filter(move |token| token.standing(now_ms) == Standing::Live)
}

fn add(
    tokens: &mut Vec<Token>,
    slot: String,
    scope: Scope,
    limits: Limits,
    expires_ms: Option<u64>,
    now_ms: u64,
) -> Result<MadeToken, BookError> {
    if tokens.len() >= TOKENS_MAX {
        return Err(BookError::Wrong(format!(
            "there are {TOKENS_MAX} tokens, ended ones included, and there may not be more"
        )));
    }
    let credential = Credential::new()?;
    let token = Token {
        id: credential.id.clone(),
        slot,
        hash: credential.hash(),
        created_ms: now_ms,
        expires_ms,
        revoked_ms: None,
        scope,
        limits,
    };
    tokens.push(token.clone());
    Ok(MadeToken {
        token,
        text: credential.text(Kind::Ingest),
        replaces: None,
    })
}

fn checked_slot(slot: &str) -> Result<String, BookError> {
    let usual = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    match !slot.is_empty() && slot.len() <= SLOT_BYTES_MAX && slot.bytes().all(usual) {
        true => Ok(slot.to_owned()),
        false => Err(BookError::Wrong(format!(
            "{slot:?} cannot be the name of a token: 1 to {SLOT_BYTES_MAX} letters, digits and - _ ."
        ))),
    }
}

fn is_in_future(end_ms: Option<u64>, now_ms: u64) -> Result<(), BookError> {
    match end_ms.is_some_and(|end| end <= now_ms) {
        true => Err(BookError::Wrong(
            "the end of the token is in the past".to_owned(),
        )),
        false => Ok(()),
    }
}
