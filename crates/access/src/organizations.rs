//! Of which organisations somebody sees and manages what is there.
//!
//! Invariant: what was kept before there was such a thing means all; a list that has become empty means
//! none, and is never taken for all.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::failure::AccessError;

/// Bounds of a list.
const NAMES_MAX: usize = 1_000;
const NAME_BYTES_MAX: usize = 200;

/// All organisations, or some: by what tokens write for, and by what items claim that come without one
/// (`organization.id`). Kept as a list; `null`, or nothing, for all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Organizations(Option<BTreeSet<String>>);

impl Organizations {
    /// All there are.
    #[must_use]
    pub fn all() -> Organizations {
        Organizations(None)
    }

    /// These.
    ///
    /// # Errors
    /// There are none or too many, or one cannot be a name.
    pub fn of(
        names: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Organizations, AccessError> {
        let mut known = BTreeSet::new();
        for name in names {
            let name = name.as_ref().trim();
            if name.is_empty() || name.len() > NAME_BYTES_MAX || name.contains(char::is_control) {
                let message = format!("{name:?} cannot be an organisation");
                let hint = "use 1 to 200 bytes without control characters, as the token or organization.id says it";
                return Err(AccessError::wrong(message, hint));
            }
            known.insert(name.to_owned());
        }
        match known.len() {
            0 => Err(AccessError::wrong(
                "no organisation is named",
                "name at least one; to keep somebody out, disable them",
            )),
            1..=NAMES_MAX => Ok(Organizations(Some(known))),
            _ => Err(AccessError::wrong(
                format!("more than {NAMES_MAX} organisations are named"),
                "leave the list out for all",
            )),
        }
    }

    /// What is asked for: these; without a list, all.
    ///
    /// # Errors
    /// As [`Organizations::of`].
    pub fn asked(names: Option<Vec<String>>) -> Result<Organizations, AccessError> {
        names.map_or_else(|| Ok(Organizations::all()), Organizations::of)
    }

    /// Whether it is all.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.0.is_none()
    }

    /// Which; `None` for all.
    #[must_use]
    pub fn names(&self) -> Option<&BTreeSet<String>> {
        self.0.as_ref()
    }

    /// Whether one is among them.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.names().is_none_or(|names| names.contains(name.trim()))
    }

    /// Whether all of these are among `others`.
    #[must_use]
    pub fn are_within(&self, others: &Organizations) -> bool {
        match (self.names(), others.names()) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(own), Some(others)) => own.is_subset(others),
        }
    }

    /// Those in either.
    #[must_use]
    pub fn or(&self, others: &Organizations) -> Organizations {
        match (self.names(), others.names()) {
            (Some(own), Some(others)) => Organizations(Some(own | others)),
            _ => Organizations::all(),
        }
    }

    /// Those in both.
    #[must_use]
    pub fn and(&self, others: &Organizations) -> Organizations {
        match (self.names(), others.names()) {
            (_, None) => self.clone(),
            (None, Some(_)) => others.clone(),
            (Some(own), Some(others)) => Organizations(Some(own & others)),
        }
    }
}

impl fmt::Display for Organizations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.names() {
            None => f.write_str("all organisations"),
            Some(names) if names.is_empty() => f.write_str("no organisation"),
            Some(names) => {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                f.write_str(&names.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str]) -> Organizations {
        Organizations::of(names).unwrap()
    }

    #[test]
    fn none_is_not_all() {
        let none = of(&["a"]).and(&of(&["b"]));
        assert!(!none.is_all() && !none.has("a") && none.are_within(&of(&["c"])));
        assert!(!Organizations::all().are_within(&none));
        let text = serde_json::to_string(&none).unwrap();
        assert_eq!(
            (text.as_str(), none.to_string().as_str()),
            ("[]", "no organisation")
        );
        assert_eq!(serde_json::from_str::<Organizations>(&text).unwrap(), none);
        assert!(
            serde_json::from_str::<Organizations>("null")
                .unwrap()
                .is_all()
        );
        assert!(Organizations::of(Vec::<String>::new()).is_err());
    }

    #[test]
    fn what_is_in_both_is_within_each() {
        let (one, other) = (of(&["a", " b "]), of(&["b", "c"]));
        let both = one.and(&other);
        assert_eq!(both, of(&["b"]));
        assert!(both.are_within(&one) && both.are_within(&other) && !one.are_within(&other));
        assert_eq!(one.and(&Organizations::all()), one);
        assert_eq!(Organizations::all().and(&one), one);
        assert_eq!(one.or(&other), of(&["a", "b", "c"]));
        assert!(one.or(&Organizations::all()).is_all());
        assert!(Organizations::of(["a\nb"]).is_err() && Organizations::of([" "]).is_err());
    }
}
