//! Answers that are kept for who asks the same again.
//!
//! Invariant: an answer is given again as the answer only to a question that would be answered alike: the
//! same text, by somebody who may see as much, of the same stored rows, by the same files of people. What
//! is received, flushed or erased makes other rows, so that an acknowledged item is in the next answer.
//! An answer that hangs on the time at which it is asked is not given so.
//!
//! Who says that an older answer will do is given one of other stored rows, which says of when it is: of
//! the same question, whose times may be as far off as it may be old, since most ranges move with the
//! clock.

use std::any::Any;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use store::{Snapshot, Table};

use crate::people::{BatchId, PeopleFiles};
use crate::sight::Sight;

/// What all of them take in memory at most.
const BYTES_MAX: usize = 64 << 20;
/// So many at most, however small.
const COUNT_MAX: usize = 1_000;
/// No older answer will do, whatever is allowed.
pub const AGE_MAX: Duration = Duration::from_hours(1);

/// A question in words.
#[derive(Clone, Debug)]
pub(crate) struct Words {
    /// All that the answer hangs on, beside rows and files.
    pub(crate) exactly: String,
    /// The same without its times.
    pub(crate) manner: String,
    /// Its times, milliseconds since the Unix epoch.
    pub(crate) moments: Vec<i64>,
}

/// The answers that are kept, the one that was asked for last first.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    all: Mutex<VecDeque<(Key, Value)>>,
}

/// By what an answer is known again.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    words: Words,
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
    of: Of,
}

/// What is known of an answer beside what it says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Of {
    /// Of which moment it is, milliseconds since the Unix epoch.
    pub(crate) as_of_ms: i64,
    /// How long it took to make.
    pub(crate) took: Duration,
    /// About how much memory it takes.
    pub(crate) bytes: usize,
    /// Whether it hangs on the stored rows alone, and not on when it was asked.
    pub(crate) is_lasting: bool,
}

impl Key {
    /// Of a question in words, over a snapshot.
    pub(crate) fn of(
        words: Words,
        sight: &Sight,
        snapshot: &Snapshot,
        files: Arc<PeopleFiles>,
    ) -> Key {
        let batches = Table::ALL
            .into_iter()
            .flat_map(|table| snapshot.batches(table));
        Key {
            words,
            sight: sight.clone(),
            version: snapshot.parts_version(),
            batches: batches.map(BatchId::of).collect(),
            files,
        }
    }

    fn is_of_same_rows(&self, other: &Key) -> bool {
        self.version == other.version && self.batches == other.batches
    }

    /// Whether it is the same question, at a time that is no further off.
    fn is_near(&self, other: &Key, within: Duration) -> bool {
        let (moments, others) = (&self.words.moments, &other.words.moments);
        let within = within.min(AGE_MAX).as_millis() as u64;
        self.words.manner == other.words.manner
            && self.sight == other.sight
            && Arc::ptr_eq(&self.files, &other.files)
            && moments.len() == others.len()
            && moments
                .iter()
                .zip(others)
                .all(|(own, other)| own.abs_diff(*other) <= within)
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Key) -> bool {
        self.words.exactly == other.words.exactly
            && self.sight == other.sight
            && Arc::ptr_eq(&self.files, &other.files)
            && self.is_of_same_rows(other)
    }
}

impl Kept {
    /// The answer that is kept, if it still is the answer.
    pub(crate) fn get<T: Clone + 'static>(&self, key: &Key) -> Option<(T, Of)> {
        let mut all = self.all();
        let at = all
            .iter()
            .position(|(known, value)| value.of.is_lasting && known == key)?;
        first(&mut all, at)
    }

    /// The latest answer that is not older than `age` at `now_ms`, and took at least so long.
    pub(crate) fn older<T: Clone + 'static>(
        &self,
        key: &Key,
        (now_ms, age): (i64, Duration),
        took: Duration,
    ) -> Option<(T, Of)> {
        let oldest_ms = now_ms.saturating_sub(age.min(AGE_MAX).as_millis() as i64);
        let will_do = |(known, value): &(Key, Value)| {
            value.of.as_of_ms >= oldest_ms && value.of.took >= took && known.is_near(key, age)
        };
        let mut all = self.all();
        let found = all.iter().enumerate().filter(|(_, entry)| will_do(entry));
        let (at, _) = found.max_by_key(|(_, (_, value))| value.of.as_of_ms)?;
        first(&mut all, at)
    }

    /// Keeps an answer. Older ones to the same question go, unless they were to other times.
    pub(crate) fn put<T: Send + Sync + 'static>(&self, key: Key, answer: T, mut of: Of) {
        of.bytes += key.words.exactly.len() + key.words.manner.len();
        if of.bytes > BYTES_MAX {
            return;
        }
        let mut all = self.all();
        all.retain(|(known, value)| {
            let is_older = value.of.as_of_ms <= of.as_of_ms && !known.is_of_same_rows(&key);
            *known != key && !(is_older && known.is_near(&key, AGE_MAX))
        });
        let answer = Arc::new(answer);
        all.push_front((key, Value { answer, of }));
        while all.len() > COUNT_MAX
            || all.iter().map(|(_, value)| value.of.bytes).sum::<usize>() > BYTES_MAX
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

/// The answer at a place, which is the one that was asked for last now.
fn first<T: Clone + 'static>(all: &mut VecDeque<(Key, Value)>, at: usize) -> Option<(T, Of)> {
    let entry = all.remove(at)?;
    let (answer, of) = (entry.1.answer.downcast_ref::<T>().cloned(), entry.1.of);
    all.push_front(entry);
    Some((answer?, of))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn of(bytes: usize) -> Of {
        Of {
            as_of_ms: 1_000_000,
            took: SECOND,
            bytes,
            is_lasting: true,
        }
    }

    fn key(what: &str, sight: Sight) -> Key {
        Key {
            words: Words {
                exactly: what.to_owned(),
                manner: what.to_owned(),
                moments: vec![0],
            },
            sight,
            version: 1,
            batches: Vec::new(),
            files: Arc::default(),
        }
    }

    fn get<T: Clone + 'static>(kept: &Kept, key: &Key) -> Option<T> {
        kept.get(key).map(|(answer, _)| answer)
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let kept = Kept::default();
        let keys: Vec<Key> = (0..COUNT_MAX + 5)
            .map(|at| key(&format!("question {at}"), Sight::everything()))
            .collect();
        for (at, key) in keys.iter().enumerate() {
            kept.put(key.clone(), at, of(10));
        }
        assert_eq!(kept.all().len(), COUNT_MAX);
        assert_eq!(get::<usize>(&kept, &keys[0]), None, "the oldest goes first");
        assert_eq!(get(&kept, &keys[COUNT_MAX]), Some(COUNT_MAX));
        kept.put(keys[0].clone(), 0_usize, of(BYTES_MAX - 100));
        assert_eq!(get(&kept, &keys[0]), Some(0_usize));
        assert!(kept.all().len() < 10, "{}", kept.all().len());
        kept.put(keys[1].clone(), 1_usize, of(BYTES_MAX + 1));
        assert_eq!(get::<usize>(&kept, &keys[1]), None, "too large");
        kept.forget();
        assert_eq!(get::<usize>(&kept, &keys[0]), None);
    }

    #[test]
    fn another_sight_is_another_question() {
        let kept = Kept::default();
        let mine = key("question", Sight::everything());
        kept.put(mine.clone(), "answer", of(10));
        let others = Key {
            sight: Sight::everything().without_names(),
            ..mine.clone()
        };
        assert_eq!(get::<&str>(&kept, &others), None);
        for one in ["a", "b"] {
            let of_one = Key {
                sight: Sight::everything().of_organizations([one]),
                ..mine.clone()
            };
            assert_eq!(get::<&str>(&kept, &of_one), None, "{one}");
            kept.put(of_one, one, of(10));
        }
        let of_a = Sight::everything().of_organizations(["a"]);
        let of_a = key("question", of_a);
        assert_eq!(get::<&str>(&kept, &of_a), None, "of other files of people");
        let files = Key {
            files: Arc::default(),
            ..mine.clone()
        };
        assert_eq!(get::<&str>(&kept, &files), None);
        assert_eq!(get(&kept, &mine), Some("answer"));
    }

    #[test]
    fn an_older_answer_is_of_the_same_question_and_not_too_old() {
        let kept = Kept::default();
        let question = key("question", Sight::everything());
        let at = |moment: i64, version: u64| {
            let mut key = question.clone();
            key.words.exactly = format!("question at {moment}");
            key.words.moments = vec![moment];
            Key { version, ..key }
        };
        kept.put(at(5_000, 1), "then", of(10));
        let now = |seconds: i64| 1_000_000 + seconds * 1_000;
        let older = |key: &Key, seconds: i64, age: u64, took: Duration| {
            let age = (now(seconds), Duration::from_secs(age));
            let found = kept.older::<&str>(key, age, took);
            found.map(|(answer, of)| (answer, of.as_of_ms))
        };
        let then = Some(("then", 1_000_000));
        assert_eq!(older(&at(5_000, 2), 60, 60, SECOND), then);
        assert_eq!(older(&at(5_000, 2), 61, 60, SECOND), None, "too old");
        assert_eq!(older(&at(65_000, 2), 60, 60, SECOND), then, "moved along");
        assert_eq!(older(&at(65_001, 2), 60, 60, SECOND), None, "moved too far");
        assert_eq!(older(&at(5_000, 2), 1, 60, SECOND * 2), None, "was fast");
        assert_eq!(older(&at(5_000, 2), 4_000, 9_999, SECOND), None, "an hour");
        let others = Key {
            sight: Sight::everything().without_names(),
            ..at(5_000, 2)
        };
        assert_eq!(older(&others, 1, 60, SECOND), None, "another sight");
        let others = Key {
            files: Arc::default(),
            ..at(5_000, 2)
        };
        assert_eq!(older(&others, 1, 60, SECOND), None, "other files");
        // The newer takes the place of the older, and one to other times has a place of its own.
        let later = Of {
            as_of_ms: now(30),
            is_lasting: false,
            ..of(10)
        };
        kept.put(at(35_000, 3), "now", later);
        kept.put(at(99_000_000, 3), "elsewhere", later);
        assert_eq!(
            get::<&str>(&kept, &at(35_000, 3)),
            None,
            "hangs on the time"
        );
        assert_eq!(
            older(&at(35_000, 4), 31, 60, SECOND),
            Some(("now", now(30)))
        );
        assert_eq!(kept.all().len(), 2);
    }
}
