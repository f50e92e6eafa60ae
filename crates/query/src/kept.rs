//! Answers that are kept for who asks the same again.
//!
//! Invariant: an answer is given again only to a question that would be answered alike: the same text,
//! by somebody who may see as much, of the same stored rows, by the same files of people. What is
//! received, flushed or erased makes other rows, so that an acknowledged item is in the next answer.
//! An answer that hangs on the time at which it is asked is not kept.

use std::any::Any;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use store::{Snapshot, Table};

use crate::people::{BatchId, PeopleFiles};
use crate::sight::Sight;

/// What all of them take in memory at most.
const BYTES_MAX: usize = 64 << 20;
/// So many at most, however small.
const COUNT_MAX: usize = 1_000;

/// The answers that are kept, the one that was asked for last first.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    all: Mutex<VecDeque<(Key, Value)>>,
}

/// By what an answer is known again.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    what: String,
    sight: Sight,
    /// Which parts there are.
    version: u64,
    /// What is in memory.
    batches: Vec<BatchId>,
    files: Arc<PeopleFiles>,
}

#[derive(Clone, Debug)]
struct Value {
    answer: Arc<dyn Any + Send + Sync>,
    bytes: usize,
}

impl Key {
    /// Of a question in words, over a snapshot.
    pub(crate) fn of(
        what: String,
        sight: &Sight,
        snapshot: &Snapshot,
        files: Arc<PeopleFiles>,
    ) -> Key {
        let batches = Table::ALL
            .into_iter()
            .flat_map(|table| snapshot.batches(table));
        Key {
            what,
            sight: sight.clone(),
            version: snapshot.parts_version(),
            batches: batches.map(BatchId::of).collect(),
            files,
        }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Key) -> bool {
        self.version == other.version
            && self.what == other.what
            && self.sight == other.sight
            && Arc::ptr_eq(&self.files, &other.files)
            && self.batches == other.batches
    }
}

impl Kept {
    /// The answer that is kept.
    pub(crate) fn get<T: Clone + 'static>(&self, key: &Key) -> Option<T> {
        let mut all = self.all();
        let at = all.iter().position(|(known, _)| known == key)?;
        let entry = all.remove(at)?;
        let answer = entry.1.answer.downcast_ref::<T>().cloned();
        all.push_front(entry);
        answer
    }

    /// Keeps an answer of about so many bytes.
    pub(crate) fn put<T: Send + Sync + 'static>(&self, key: Key, answer: T, bytes: usize) {
        let bytes = bytes + key.what.len();
        if bytes > BYTES_MAX {
            return;
        }
        let mut all = self.all();
        all.retain(|(known, _)| *known != key);
        let answer = Arc::new(answer);
        all.push_front((key, Value { answer, bytes }));
        while all.len() > COUNT_MAX
            || all.iter().map(|(_, value)| value.bytes).sum::<usize>() > BYTES_MAX
        {
            all.pop_back();
        }
    }

    /// Forgets everything: what it was of is gone.
    pub(crate) fn forget(&self) {
        self.all().clear();
    }

    fn all(&self) -> MutexGuard<'_, VecDeque<(Key, Value)>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(what: &str, sight: Sight) -> Key {
        Key {
            what: what.to_owned(),
            sight,
            version: 1,
            batches: Vec::new(),
            files: Arc::default(),
        }
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let kept = Kept::default();
        let keys: Vec<Key> = (0..COUNT_MAX + 5)
            .map(|at| key(&format!("question {at}"), Sight::everything()))
            .collect();
        for (at, key) in keys.iter().enumerate() {
            kept.put(key.clone(), at, 10);
        }
        assert_eq!(kept.all().len(), COUNT_MAX);
        assert_eq!(kept.get::<usize>(&keys[0]), None, "the oldest goes first");
        assert_eq!(kept.get::<usize>(&keys[COUNT_MAX]), Some(COUNT_MAX));
        kept.put(keys[0].clone(), 0_usize, BYTES_MAX - 100);
        assert_eq!(kept.get::<usize>(&keys[0]), Some(0));
        assert!(kept.all().len() < 10, "{}", kept.all().len());
        kept.put(keys[1].clone(), 1_usize, BYTES_MAX + 1);
        assert_eq!(kept.get::<usize>(&keys[1]), None, "too large");
        kept.forget();
        assert_eq!(kept.get::<usize>(&keys[0]), None);
    }

    #[test]
    fn another_sight_is_another_question() {
        let kept = Kept::default();
        let mine = key("question", Sight::everything());
        kept.put(mine.clone(), "answer", 10);
        let others = Key {
            sight: Sight::everything().without_names(),
            ..mine.clone()
        };
        assert_eq!(kept.get::<&str>(&others), None);
        for one in ["a", "b"] {
            let of_one = Key {
                sight: Sight::everything().of_organizations([one]),
                ..mine.clone()
            };
            assert_eq!(kept.get::<&str>(&of_one), None, "{one}");
            kept.put(of_one, one, 10);
        }
        let of_a = Sight::everything().of_organizations(["a"]);
        let of_a = key("question", of_a);
        assert_eq!(kept.get::<&str>(&of_a), None, "of other files of people");
        let files = Key {
            files: Arc::default(),
            ..mine.clone()
        };
        assert_eq!(kept.get::<&str>(&files), None);
        assert_eq!(kept.get::<&str>(&mine), Some("answer"));
    }
}
