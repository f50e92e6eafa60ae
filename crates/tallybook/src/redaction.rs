//! What is taken out of requests before they are kept, and how often.
//!
//! Invariant: the key by which people are pseudonymised and texts hashed is derived from the data
//! directory's secret, so that pseudonyms stay the same over restarts and are worth nothing elsewhere.

use std::path::Path;
use std::sync::Arc;

use base::Secret;
use base::meters::{self, Counters, Source};
use bytes::Bytes;
use contract::{Quarantined, Signal};
use redact::{Class, Done, Ledger, Policy, Settings, Tally};

use crate::failure::Failure;

/// Where the secret of an installation is, in its data directory.
const SECRET: &str = "keys/server.key";
/// The use of the key that is derived from it.
const LABEL: &str = "redaction";
/// What a counter says of attributes that only clients know: their names have no bound.
const UNKNOWN: &str = "other";
/// What a counter says where nothing was looked for.
const NONE: &str = "none";

/// The policy in force, and what it did.
pub(crate) struct Redaction {
    ledger: Arc<Ledger>,
    redacted: Counters,
}

/// A request as it may be kept.
pub(crate) struct Redacted {
    pub(crate) protobuf: Bytes,
    pub(crate) quarantined: Vec<Quarantined>,
    pub(crate) tally: Tally,
}

/// The policy of a data directory. Makes the directory's secret if there is none.
pub(crate) fn policy_of(settings: &Settings, data_dir: &Path) -> Result<Policy, Failure> {
    let secret = Secret::open_or_create(&data_dir.join(SECRET)).map_err(Failure::failed)?;
    settings
        .policy(&secret.key(LABEL))
        .map_err(|problems| Failure::usage(problems.join("\n")))
}

impl Redaction {
    /// Puts a policy in force, and says what is kept.
    pub(crate) fn start(settings: &Settings, data_dir: &Path) -> Result<Redaction, Failure> {
        let policy = policy_of(settings, data_dir)?;
        tracing::info!("redaction: {}", policy.summary());
        for warning in policy.warnings() {
            tracing::warn!("{warning}");
        }
        let redacted = meters::counters(
            "tallybook_redacted_total",
            "Texts that were masked, dropped, cut, hashed or pseudonymised before they were kept",
            &["action", "detector", "attribute"],
        );
        // There from the start, so that an alert on failures has something to look at.
        redacted.with_label_values(&[Done::Failed.name(), NONE, UNKNOWN]);
        Ok(Redaction {
            ledger: Arc::new(Ledger::new(policy)),
            redacted,
        })
    }

    /// Edits a request by the policy. Refuses what decoding would refuse.
    pub(crate) fn apply(
        &self,
        signal: Signal,
        protobuf: Bytes,
        quarantined: Vec<Quarantined>,
        limits: &otlp::Limits,
    ) -> Result<Redacted, otlp::Refused> {
        let mut redactor = self.ledger.policy().redactor(signal, None);
        let mut quarantined: Vec<Quarantined> = quarantined
            .into_iter()
            .map(|item| contract::Editor::unreadable(&mut redactor, item))
            .collect();
        let rewritten = otlp::rewrite(signal, &protobuf, limits, &mut redactor)?;
        quarantined.extend(rewritten.quarantined);
        Ok(Redacted {
            protobuf: rewritten.protobuf.map_or(protobuf, Bytes::from),
            quarantined,
            tally: redactor.into_tally(),
        })
    }

    /// Counts what was done to a request that is kept.
    pub(crate) fn count(&self, tally: Tally) {
        if tally.is_empty() {
            return;
        }
        for (what, times) in tally.rows() {
            let attribute = match Class::of(&what.attribute) {
                Class::Other => UNKNOWN,
                _ => what.attribute.as_str(),
            };
            let detector = match what.detector.as_str() {
                "" => NONE,
                name => name,
            };
            self.redacted
                .with_label_values(&[what.done.name(), detector, attribute])
                .inc_by(times);
        }
        self.ledger.add(tally);
    }

    pub(crate) fn ledger(&self) -> Arc<Ledger> {
        Arc::clone(&self.ledger)
    }

    pub(crate) fn meters(&self) -> Vec<Source> {
        vec![Box::new(self.redacted.clone())]
    }
}

/// What a policy keeps, as comments of a configuration file.
pub(crate) fn explained(settings: &Settings) -> Result<String, Failure> {
    // No text is redacted by this policy, so any key does.
    let policy = settings
        .policy(&[0; 32])
        .map_err(|problems| Failure::usage(problems.join("\n")))?;
    let mut out = format!("# Redaction: {}\n", policy.summary());
    for (number, rule) in policy.rules_said().iter().enumerate() {
        out.push_str(&format!("#   rule {}: {rule}\n", number + 1));
    }
    for warning in policy.warnings() {
        out.push_str(&format!("#   warning: {warning}\n"));
    }
    Ok(out)
}
