//! The CPU work of a request: without who is refused, redacted, decoded, prepared.

use std::sync::Arc;

use contract::Signal;
use receive::{ExportRequest, NotAdmitted, Transport};
use redact::Tally;
use store::{ENTRY_BYTES_MAX, Entry, PrepareError, Prepared, Provenance, Store};
use tokio::time::Instant;

use super::unavailable;
use crate::barring::{Barring, Sieved};
use crate::redaction::Redaction;

/// With what a request is worked on.
pub(super) struct Tools<'t> {
    pub(super) store: &'t Store,
    pub(super) limits: &'t otlp::Limits,
    pub(super) redaction: &'t Redaction,
    pub(super) barring: &'t Barring,
}

/// A request, ready to be kept.
pub(super) struct Worked {
    pub(super) entry: Entry,
    pub(super) prepared: Prepared,
    pub(super) tally: Tally,
    /// Items of people who are refused: they are gone from it, and counted.
    pub(super) held_back: u64,
}

/// The CPU work of a request.
pub(super) fn work(
    tools: &Tools<'_>,
    request: ExportRequest,
    provenance: Option<Arc<Provenance>>,
    received_ns: u64,
) -> Result<Worked, NotAdmitted> {
    let Tools { store, limits, .. } = tools;
    // Nobody waits any more for what comes to its turn too late, and it will be sent again.
    if request.deadline <= Instant::now() {
        return Err(unavailable("too many requests wait to be decoded"));
    }
    let (protobuf, quarantined) = match request.encoding {
        otlp::Encoding::Protobuf => (request.body, Vec::new()),
        otlp::Encoding::Json => {
            let converted = otlp::from_json(request.signal, &request.body, limits)
                .map_err(NotAdmitted::Refused)?;
            (converted.protobuf.into(), converted.quarantined)
        }
    };
    let came = Sieved {
        protobuf,
        quarantined,
        held_back: 0,
    };
    let (kept, tally) = reduced(tools, request.signal, provenance.as_deref(), came)?;
    store
        .fates()
        .refuse_people(request.signal, provenance.as_deref(), kept.held_back);
    let transport = match request.transport {
        Transport::Http => store::Transport::Http,
        Transport::Grpc => store::Transport::Grpc,
    };
    let entry = Entry {
        signal: request.signal,
        transport,
        received_ns,
        quarantined: kept.quarantined,
        protobuf: kept.protobuf,
        provenance,
    };
    if entry.bytes() > ENTRY_BYTES_MAX {
        // Sent again it would be as large.
        return Err(NotAdmitted::Refused(otlp::Refused::TooMany {
            what: "bytes once it is decoded",
            limit: ENTRY_BYTES_MAX,
        }));
    }
    let prepared = store.prepare(&entry).map_err(|error| match error {
        PrepareError::Refused(refused) => NotAdmitted::Refused(refused),
        PrepareError::Internal { .. } => unavailable(error),
    })?;
    Ok(Worked {
        entry,
        prepared,
        tally,
        held_back: kept.held_back,
    })
}

/// A request without the people who are refused, and redacted.
fn reduced(
    tools: &Tools<'_>,
    signal: Signal,
    token: Option<&Provenance>,
    came: Sieved,
) -> Result<(Sieved, Tally), NotAdmitted> {
    let limits = tools.limits;
    let first = tools.barring.sift(signal, token, came, limits)?;
    let organization = token.map(|token| token.organization.as_str());
    let (before, held_back) = (first.protobuf.clone(), first.held_back);
    let redacted = tools
        .redaction
        .apply(
            (signal, organization),
            first.protobuf,
            first.quarantined,
            limits,
        )
        .map_err(NotAdmitted::Refused)?;
    let is_same = redacted.protobuf.as_ptr() == before.as_ptr();
    let kept = Sieved {
        protobuf: redacted.protobuf,
        quarantined: redacted.quarantined,
        held_back,
    };
    let kept = match is_same {
        true => kept,
        false => tools.barring.sift(signal, token, kept, limits)?,
    };
    Ok((kept, redacted.tally))
}

/// Why some of a request was not kept. It names nobody.
pub(super) fn reason(held_back: u64, first_reason: Option<String>) -> Option<String> {
    if held_back == 0 {
        return first_reason;
    }
    let refused = format!(
        "{held_back} items are of somebody who was erased here and of whom nothing more is taken."
    );
    Some(match first_reason {
        Some(first) => format!("{refused} {first}"),
        None => refused,
    })
}
