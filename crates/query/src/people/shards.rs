//! A map that is cheap to copy and to change a little: copies share what neither has changed.
//!
//! A directory is kept while queries read it, and the next one differs by a request's worth of items.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use foldhash::fast::RandomState;

/// How many pieces a map is in: with 100,000 entries a change copies about a hundred.
const SHARDS: usize = 1024;

type Shard<K, V> = HashMap<K, V, RandomState>;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Shards<K, V> {
    hasher: RandomState,
    shards: Vec<Arc<Shard<K, V>>>,
    len: usize,
}

impl<K, V> Default for Shards<K, V> {
    fn default() -> Self {
        let hasher = RandomState::default();
        let empty = Arc::new(HashMap::with_hasher(hasher.clone()));
        Shards {
            hasher,
            shards: vec![empty; SHARDS],
            len: 0,
        }
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Shards<K, V> {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.shards[self.place(key)].get(key)
    }

    /// The value of a key, to be changed; made where there is none.
    pub(super) fn change(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        let place = self.place(&key);
        if !self.shards[place].contains_key(&key) {
            self.len += 1;
        }
        let shard = Arc::make_mut(&mut self.shards[place]);
        shard.entry(key).or_default()
    }

    pub(super) fn insert(&mut self, key: K, value: V) {
        let place = self.place(&key);
        let before = Arc::make_mut(&mut self.shards[place]).insert(key, value);
        self.len += usize::from(before.is_none());
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        let place = self.place(key);
        let before = Arc::make_mut(&mut self.shards[place]).remove(key);
        self.len -= usize::from(before.is_some());
        before
    }

    fn place<Q: Hash + ?Sized>(&self, key: &Q) -> usize {
        // The maps within use the other bits.
        (self.hasher.hash_one(key) >> 32) as usize % SHARDS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_does_not_see_what_is_changed_later() {
        let mut first: Shards<u32, u32> = Shards::default();
        for key in 0..5_000 {
            *first.change(key) += key;
        }
        let second = first.clone();
        *first.change(7) = 0;
        first.insert(9, 1);
        first.insert(5_000, 1);
        assert_eq!(first.remove(&8), Some(8));
        assert_eq!(
            [7, 8, 9].map(|key| first.get(&key).copied()),
            [Some(0), None, Some(1)]
        );
        assert_eq!(
            [7, 8, 9].map(|key| second.get(&key).copied()),
            [Some(7), Some(8), Some(9)]
        );
        assert_eq!((first.len(), second.len()), (5_000, 5_000));
    }
}
