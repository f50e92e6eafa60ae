//! The files that say who people are: read at the start, and again when they change.
//!
//! Invariant: a file that cannot be read, or is wrong, changes nothing: its reason is logged once, and
//! what was read last stays in force. Intake never waits for these files.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use access::tokens::TokenBook;
use base::Shutdown;
use query::{Engine, Mapping, PeopleFiles, Roster, TokenPeople};

/// How often it is looked whether they changed.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// The reader's own limit, and a byte to see that there is more.
const BYTES_MAX: u64 = (64 << 20) + 1;

/// Where the files are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    pub(crate) mapping: Option<PathBuf>,
    pub(crate) roster: Option<PathBuf>,
    /// Whose tokens may be bound to one person.
    pub(crate) tokens: Option<TokenBook>,
}

impl Sources {
    /// Reads them all. What is wrong is said together, a sentence each.
    pub(crate) fn read(&self) -> Result<PeopleFiles, Vec<String>> {
        let mut kept = Kept::new(self);
        let mut problems = kept.look();
        problems.extend(kept.tokens.look().err());
        match problems.is_empty() {
            true => Ok(kept.files()),
            false => Err(problems),
        }
    }
}

/// What a file was when it was last looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stamp {
    Unseen,
    Unreadable(io::ErrorKind),
    Seen(Option<SystemTime>, u64),
}

/// A file, and what was last read from it.
struct OfFile<T> {
    path: Option<PathBuf>,
    parse: fn(&str, &[u8]) -> Result<T, Vec<String>>,
    stamp: Stamp,
    good: Option<T>,
}

impl<T> OfFile<T> {
    fn new(path: Option<&PathBuf>, parse: fn(&str, &[u8]) -> Result<T, Vec<String>>) -> OfFile<T> {
        OfFile {
            path: path.cloned(),
            parse,
            stamp: Stamp::Unseen,
            good: None,
        }
    }

    /// Reads the file if it has changed; what is wrong with it.
    fn look(&mut self) -> Vec<String> {
        let Some(path) = &self.path else {
            return Vec::new();
        };
        let stamp = stamp(path);
        if stamp == self.stamp {
            return Vec::new();
        }
        self.stamp = stamp;
        let name = path.display().to_string();
        let read = match read(path) {
            Ok(bytes) => (self.parse)(&name, &bytes),
            Err(error) => Err(vec![format!("{name}: cannot be read: {error}")]),
        };
        match read {
            Ok(good) => {
                self.good = Some(good);
                Vec::new()
            }
            Err(problems) => problems,
        }
    }
}

fn stamp(path: &Path) -> Stamp {
    match std::fs::metadata(path) {
        Ok(metadata) => Stamp::Seen(metadata.modified().ok(), metadata.len()),
        Err(error) => Stamp::Unreadable(error.kind()),
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    #[expect(clippy::disallowed_methods, reason = "the reader is cut off by take")]
    File::open(path)?.take(BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The files, as they were last right.
pub(crate) struct Kept {
    mapping: OfFile<Mapping>,
    roster: OfFile<Roster>,
    tokens: OfTokens,
}

/// The people of tokens that are bound to one.
struct OfTokens {
    book: Option<TokenBook>,
    people: TokenPeople,
}

impl OfTokens {
    /// Reads them again; whether they have changed.
    fn look(&mut self) -> Result<bool, String> {
        let Some(book) = &self.book else {
            return Ok(false);
        };
        let tokens = book.list().map_err(|error| error.to_string())?;
        let of_one = tokens
            .into_iter()
            .filter_map(|token| match &token.scope.people[..] {
                [person] => Some((token.id, person.as_str().into())),
                _ => None,
            });
        let people: TokenPeople = of_one.collect();
        let is_changed = people != self.people;
        self.people = people;
        Ok(is_changed)
    }
}

impl Kept {
    fn new(sources: &Sources) -> Kept {
        Kept {
            mapping: OfFile::new(sources.mapping.as_ref(), Mapping::parse),
            roster: OfFile::new(sources.roster.as_ref(), Roster::parse),
            tokens: OfTokens {
                book: sources.tokens.clone(),
                people: TokenPeople::new(),
            },
        }
    }

    /// Reads the files for an engine. One that is wrong is logged and left out.
    pub(crate) fn start(sources: &Sources, engine: &Engine) -> Kept {
        let mut kept = Kept::new(sources);
        kept.take_over(engine);
        kept
    }

    /// Looks for changes until `shutdown`.
    pub(crate) async fn watch(self, engine: Arc<Engine>, shutdown: Shutdown) {
        let mut kept = self;
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = shutdown.wait() => return,
            }
            let looking = tokio::task::spawn_blocking({
                let engine = Arc::clone(&engine);
                move || {
                    kept.take_over(&engine);
                    kept
                }
            });
            match looking.await {
                Ok(looked) => kept = looked,
                Err(error) => {
                    return tracing::error!("people are not looked after any more: {error}");
                }
            }
        }
    }

    /// Hands what has changed to the engine.
    fn take_over(&mut self, engine: &Engine) {
        let before = (self.mapping.stamp.clone(), self.roster.stamp.clone());
        let is_token_changed = self.tokens.look().unwrap_or_else(|error| {
            tracing::error!("{error}; whom tokens named before they name still");
            false
        });
        for problem in self.look() {
            tracing::error!("{problem}; what was read before stays in force");
        }
        let is_file_changed = before != (self.mapping.stamp.clone(), self.roster.stamp.clone());
        if is_file_changed {
            tracing::info!("people: {}", summary(&self.files()));
        }
        if is_file_changed || is_token_changed {
            engine.set_people(self.files());
        }
    }

    fn look(&mut self) -> Vec<String> {
        let mut problems = self.mapping.look();
        problems.extend(self.roster.look());
        problems
    }

    fn files(&self) -> PeopleFiles {
        PeopleFiles {
            mapping: self.mapping.good.clone(),
            roster: self.roster.good.clone(),
            tokens: self.tokens.people.clone(),
        }
    }
}

/// How much is in the files.
pub(crate) fn summary(files: &PeopleFiles) -> String {
    let rows = |name: &str, rows: Option<usize>| match rows {
        Some(rows) => format!("{name} of {rows} rows"),
        None => format!("no {name}"),
    };
    format!(
        "{}, {}",
        rows("mapping", files.mapping.as_ref().map(Mapping::rows)),
        rows("roster", files.roster.as_ref().map(Roster::rows))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_file_leaves_the_last_good_one_in_force() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("mapping.csv");
        let sources = Sources {
            mapping: Some(path.clone()),
            ..Sources::default()
        };
        let mut kept = Kept::new(&sources);
        let said = kept.look();
        assert!(said[0].contains("mapping.csv: cannot be read"), "{said:?}");
        assert!(kept.look().is_empty(), "said once");
        let rows = |kept: &Kept| kept.files().mapping.map(|mapping| mapping.rows());
        std::fs::write(&path, "id,person\na,Ann\n").expect("writable");
        assert_eq!((kept.look().len(), rows(&kept)), (0, Some(1)));
        std::fs::write(&path, "id,person\na,Ann\nb,\n").expect("writable");
        let said = kept.look();
        assert!(said[0].contains("mapping.csv, line 3"), "{said:?}");
        assert_eq!(rows(&kept), Some(1));
        assert!(sources.read().is_err());
        std::fs::write(&path, "id,person\na,Ann\nb,Ben\n").expect("writable");
        assert_eq!((kept.look().len(), rows(&kept)), (0, Some(2)));
        std::fs::remove_file(&path).expect("removable");
        assert_eq!((kept.look().len(), rows(&kept)), (1, Some(2)));
    }
}
