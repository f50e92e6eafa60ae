//! Files without which the store cannot tell the truth; each is kept twice.
//!
//! Without the identities of a flush a repeated delivery would be counted again, without the state of
//! cumulative series their whole totals would be. Neither can be made anew from the parts, and both
//! are small, so that a second copy costs little and one damaged file costs nothing.
//!
//! When neither copy can be read, the store does not go on by itself. A person may decide that it
//! shall, by emptying the file: nothing that we write is ever empty.

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

/// What the first readable copy holds. A file of a newer version is not damaged: it ends this.
pub(crate) async fn read<T>(
    objects: &Objects,
    path: &str,
    decode: impl Fn(&[u8]) -> Result<T, Unreadable>,
) -> Result<Read<T>, StoreError> {
    let reason = match read_one(objects, path, &decode).await? {
        Ok(found) => {
            return Ok(Read {
                found: Some(found),
                damaged: None,
            });
        }
        Err(reason) => reason,
    };
    let found = read_one(objects, &copy_of(path), &decode).await?.ok();
    let consequence = match &found {
        Some(_) => "its copy was read instead",
        None if reason == EMPTIED => "what it remembered is counted again when it is repeated",
        None => {
            return Err(StoreError::Damaged {
                path: path.to_owned(),
                reason: format!(
                    "{reason}; restore it from a backup, or empty it to go on without it: what it \
                     remembers will then be counted again when it is repeated"
                ),
            });
        }
    };
    let damaged = Some(DamagedFile {
        path: path.to_owned(),
        reason: format!("{reason}; {consequence}"),
    });
    Ok(Read { found, damaged })
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

/// What one copy holds, or why it is damaged. That a disk cannot be read now is another matter.
async fn read_one<T>(
    objects: &Objects,
    path: &str,
    decode: impl Fn(&[u8]) -> Result<T, Unreadable>,
) -> Result<Result<T, String>, StoreError> {
    let bytes = match objects.get(path).await {
        Err(error) if error.is_missing() => return Ok(Err("it is missing".into())),
        bytes => bytes?,
    };
    if bytes.is_empty() {
        return Ok(Err(EMPTIED.into()));
    }
    match decode(&bytes) {
        Ok(found) => Ok(Ok(found)),
        Err(Unreadable::Damaged(reason)) => Ok(Err(reason)),
        Err(newer) => Err(newer.of(path)),
    }
}

#[cfg(test)]
mod tests {
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
        for unread in [bad, empty, None] {
            check([unread, good], Ok(good), true).await;
        }
        check([bad, bad], Err("checksum does not match; restore"), false).await;
        check([None, None], Err("it is missing; restore"), false).await;
        for copy in [bad, empty, None] {
            check([empty, copy], Ok(None), true).await;
        }
        for copies in [[newer, good], [bad, newer], [newer, None]] {
            check(copies, Err("version 9"), false).await;
        }
    }
}
