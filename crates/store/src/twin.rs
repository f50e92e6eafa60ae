//! Files without which the store cannot tell the truth; each is kept twice.
//!
//! Without the identities of a flush a repeated delivery would be counted again, without the state of
//! cumulative series their whole totals would be. Neither can be made anew from the parts, and both
//! are small, so that a second copy costs little and one damaged file costs nothing.
//!
//! When neither copy can be read, the store does not go on by itself. A person may decide that it
//! shall, by emptying the file: nothing that we write is ever empty.

use std::fmt;
use std::io;

use crate::damage::DamagedFile;
use crate::error::{StoreError, Unreadable};
use crate::objects::Objects;

/// Follows the name of the second copy.
const COPY: &str = ".copy";

/// What was read.
pub(crate) struct Read<T> {
    /// Nothing when a person has emptied the file.
    pub(crate) found: Option<T>,
    /// The file that was not read, if one was not.
    pub(crate) damaged: Option<DamagedFile>,
}

/// Writes both copies; durable on return.
pub(crate) async fn write(objects: &Objects, path: &str, bytes: Vec<u8>) -> Result<(), StoreError> {
    objects.replace(path, bytes.clone()).await?;
    objects.replace(&copy_of(path), bytes).await
}

/// What the first readable copy holds.
pub(crate) async fn read<T>(
    objects: &Objects,
    path: &str,
    decode: impl Fn(&[u8]) -> Result<T, Unreadable>,
) -> Result<Read<T>, StoreError> {
    let damaged = |reason: &str| {
        Some(DamagedFile {
            path: path.to_owned(),
            reason: reason.to_owned(),
        })
    };
    match either(objects, path, &copy_of(path), decode).await {
        Ok((found, fault)) => Ok(Read {
            found: Some(found),
            damaged: fault
                .and_then(|fault| damaged(&format!("{fault}; its copy was read instead"))),
        }),
        Err(Neither::Stops(error)) => Err(error),
        Err(Neither::Damaged(reason)) if reason == EMPTIED => Ok(Read {
            found: None,
            damaged: damaged(&format!(
                "{reason}; what it remembered is counted again when it is repeated"
            )),
        }),
        Err(Neither::Damaged(reason)) => Err(StoreError::Damaged {
            path: path.to_owned(),
            reason: format!(
                "{reason}; restore it from a backup, or empty it to go on without it: what it \
                 remembers will then be counted again when it is repeated"
            ),
        }),
    }
}

/// Why neither of two copies was read.
pub(crate) enum Neither {
    /// A newer version wrote them, or the disk cannot be read: not a matter of what they hold.
    Stops(StoreError),
    /// What is wrong with the first.
    Damaged(String),
}

/// What the first readable one of two copies holds, and what is wrong with the first if it is not that.
///
/// Both are of one version: where one can be read and the other seems to be of a newer version, that
/// other is damaged. A sector that the disk cannot read is damage, too, as long as there is the other
/// copy; with neither, the disk is to be mended before anything is decided.
pub(crate) async fn either<T>(
    objects: &Objects,
    first: &str,
    second: &str,
    decode: impl Fn(&[u8]) -> Result<T, Unreadable>,
) -> Result<(T, Option<String>), Neither> {
    let fault = match read_one(objects, first, &decode).await {
        Ok(found) => return Ok((found, None)),
        Err(fault) => fault,
    };
    let other = match read_one(objects, second, &decode).await {
        Ok(found) => return Ok((found, Some(fault.to_string()))),
        Err(other) => other,
    };
    Err(match (fault, other) {
        (Fault::Content(newer @ Unreadable::Newer { .. }), _) => Neither::Stops(newer.of(first)),
        (_, Fault::Content(newer @ Unreadable::Newer { .. })) => Neither::Stops(newer.of(second)),
        (Fault::Disk(error), _) | (_, Fault::Disk(error)) => Neither::Stops(error),
        (fault, _) => Neither::Damaged(fault.to_string()),
    })
}

/// Removes both copies, if they are there.
pub(crate) async fn delete(objects: &Objects, path: &str) -> Result<(), StoreError> {
    objects.delete(path).await?;
    objects.delete(&copy_of(path)).await
}

/// The file that a path is the second copy of, or the path itself.
pub(crate) fn original(path: &str) -> &str {
    path.strip_suffix(COPY).unwrap_or(path)
}

fn copy_of(path: &str) -> String {
    format!("{path}{COPY}")
}

const EMPTIED: &str = "it is empty";

/// Why one copy was not read.
enum Fault {
    Disk(StoreError),
    Content(Unreadable),
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Disk(error) => write!(formatter, "it cannot be read: {error}"),
            Fault::Content(unreadable) => unreadable.fmt(formatter),
        }
    }
}

/// What one copy holds.
async fn read_one<T>(
    objects: &Objects,
    path: &str,
    decode: impl Fn(&[u8]) -> Result<T, Unreadable>,
) -> Result<T, Fault> {
    let bytes = match objects.get(path).await {
        Ok(bytes) => bytes,
        Err(error) if error.is_missing() => return Err(Fault::Content("it is missing".into())),
        Err(StoreError::File { source, .. }) if source.kind() == io::ErrorKind::InvalidData => {
            return Err(Fault::Content(source.to_string().into()));
        }
        Err(error) => return Err(Fault::Disk(error)),
    };
    if bytes.is_empty() {
        return Err(Fault::Content(EMPTIED.into()));
    }
    decode(&bytes).map_err(Fault::Content)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use base::Disk;
    use base::sim::SimDisk;

    use super::*;

    const PATH: &str = "identities/1.ids";

    fn decode(bytes: &[u8]) -> Result<Vec<u8>, Unreadable> {
        match bytes {
            b"newer" => Err(Unreadable::Newer { found: 9, known: 1 }),
            b"bad" => Err("checksum does not match".into()),
            good => Ok(good.to_vec()),
        }
    }

    /// What is read when the copies hold this; nothing stands for a missing file.
    async fn check(copies: [Option<&str>; 2], expect: Result<Option<&str>, &str>, is_told: bool) {
        let objects = Objects::simulated();
        for (path, bytes) in [PATH, &copy_of(PATH)].into_iter().zip(copies) {
            if let Some(bytes) = bytes {
                objects.replace(path, bytes.into()).await.expect("writes");
            }
        }
        match (read(&objects, PATH, decode).await, expect) {
            (Ok(read), Ok(expected)) => {
                assert_eq!(
                    read.found.as_deref(),
                    expected.map(str::as_bytes),
                    "{copies:?}"
                );
                assert_eq!(read.damaged.is_some(), is_told, "{copies:?}");
            }
            (Err(error), Err(expected)) => {
                let text = error.to_string();
                assert!(
                    text.contains(expected) && text.contains(PATH),
                    "{copies:?}: {text}"
                );
            }
            (read, _) => panic!("{copies:?}: {:?}", read.map(|read| read.found)),
        }
    }

    #[tokio::test]
    async fn one_damaged_copy_costs_nothing_and_two_are_refused() {
        let (good, bad, empty, newer) = (Some("good"), Some("bad"), Some(""), Some("newer"));
        check([good, good], Ok(good), false).await;
        check([good, None], Ok(good), false).await;
        for unread in [bad, empty, newer, None] {
            check([unread, good], Ok(good), true).await;
        }
        check([bad, bad], Err("checksum does not match; restore"), false).await;
        check([None, None], Err("it is missing; restore"), false).await;
        for copy in [bad, empty, None] {
            check([empty, copy], Ok(None), true).await;
        }
        for copies in [[newer, newer], [newer, bad], [bad, newer], [newer, None]] {
            check(copies, Err("version 9"), false).await;
        }
    }

    #[tokio::test]
    async fn a_sector_that_cannot_be_read_costs_nothing_while_there_is_the_copy() {
        let disk = Arc::new(SimDisk::new());
        let objects = Objects::new(Arc::clone(&disk) as Arc<dyn Disk>, Path::new("/data"), None);
        write(&objects, PATH, b"good".to_vec())
            .await
            .expect("writes");
        disk.set_unreadable(&Path::new("/data").join(PATH));
        let read = super::read(&objects, PATH, decode)
            .await
            .expect("reads the copy");
        assert_eq!(read.found.as_deref(), Some(&b"good"[..]));
        let told = read.damaged.expect("is told").reason;
        assert!(
            told.contains("cannot be read") && told.contains("its copy"),
            "{told}"
        );
        disk.set_unreadable(&Path::new("/data").join(copy_of(PATH)));
        let both = super::read(&objects, PATH, decode).await;
        assert!(matches!(both.err(), Some(StoreError::File { path, .. }) if path == PATH));
    }
}
