//! Who reports, how completely, and who has gone silent.

use crate::catalogue::ask::Ask;
use crate::catalogue::dimensions::{APP_VERSION, DAY, MONTH, PERSON, PRODUCT, WEEK, dimension};
use crate::catalogue::measures::{distinct, greatest, least, sum};
use crate::catalogue::report::{Dimension, Exclusion, Report, Source, Unit};
use crate::catalogue::sql::{all_of, in_range};
use crate::reports::time;

pub(super) static COVERAGE: Report = Report {
    name: "coverage",
    title: "Coverage",
    about: "Who reports, from which machines, how completely; who has gone silent, and who never came?",
    definition: "A client is a person, a product, a version and a machine. It counts where it was last seen in the range, with all that \
        it ever sent. Who was last seen before the range and is overdue since then or by its end counts, too; those that the \
        roster expects and that were never seen count in every range. Overdue is who has been silent \
        for longer than their own rhythm explains. Gaps are events that are missing between others of one run of a process; \
        restarts are no gaps. Days are those on which clients were last seen.",
    signals: &[
        "all events, data points and spans",
        "the roster, where there is one",
    ],
    dimensions: &[
        PERSON,
        PRODUCT,
        APP_VERSION,
        MACHINE,
        OS,
        ARCH,
        TELEMETRY,
        MISSING,
        CONTENT,
        FAULTS,
        OVERDUE,
        EXPECTED,
        DAY,
        WEEK,
        MONTH,
    ],
    usual_group_by: &["person", "product"],
    measures: &[
        sum(
            "clients",
            "Clients",
            "persons, products, versions and machines",
            Unit::Count,
            "count(*)",
        ),
        distinct(
            "people",
            "People",
            "distinct people",
            Unit::Count,
            "count(DISTINCT person)",
        ),
        distinct(
            "machines",
            "Machines",
            "distinct installations",
            Unit::Count,
            "count(DISTINCT machine)",
        ),
        sum(
            "overdue_clients",
            "Overdue",
            "clients that have been silent for longer than their rhythm explains",
            Unit::Count,
            "count(*) FILTER (WHERE is_overdue)",
        ),
        greatest(
            "last_seen",
            "Last seen",
            "when the last item came from it",
            Unit::Time,
            "max(last_seen)",
        ),
        least(
            "shortest_silence_s",
            "Silent for",
            "how long ago that was",
            Unit::Seconds,
            "min(silent_for_s)",
        ),
        sum(
            "sessions",
            "Sessions",
            "sessions of each client",
            Unit::Count,
            "coalesce(sum(sessions), 0)",
        ),
        sum(
            "events",
            "Events",
            "events that came",
            Unit::Count,
            "coalesce(sum(events), 0)",
        ),
        sum(
            "data_points",
            "Data points",
            "data points that came",
            Unit::Count,
            "coalesce(sum(data_points), 0)",
        ),
        sum(
            "sequence_gaps",
            "Missing events",
            "events that are missing between others",
            Unit::Count,
            "coalesce(sum(sequence_gaps), 0)",
        ),
        sum(
            "restarts",
            "Restarts",
            "times that a session went on in another process",
            Unit::Count,
            "coalesce(sum(restarts), 0)",
        ),
        sum(
            "identity_missing",
            "Without identity",
            "events that name neither an e-mail address nor an account",
            Unit::Count,
            "coalesce(sum(identity_missing), 0)",
        ),
        sum(
            "quarantined",
            "In quarantine",
            "items of it that could not be understood",
            Unit::Count,
            "coalesce(sum(quarantined), 0)",
        ),
        sum(
            "incomplete_clients",
            "Incomplete",
            "clients of which a signal is missing that they should send",
            Unit::Count,
            "count(*) FILTER (WHERE missing_signal IS NOT NULL)",
        ),
        sum(
            "faulty_clients",
            "Faulty versions",
            "clients of a version with known faults of telemetry",
            Unit::Count,
            "count(*) FILTER (WHERE known_faults IS NOT NULL)",
        ),
    ],
    exclusions: &[Exclusion {
        what: "items in quarantine that name no client",
        why: "nobody can be told from them",
        rows: "SELECT * FROM quarantine",
    }],
    source: Source::Built(built),
};

/// Silence is what people look for here: whoever fell silent before the range is in it.
fn built(ask: &Ask) -> String {
    format!(
        "SELECT * FROM (SELECT *, last_seen AS time FROM coverage)
         WHERE (time IS NULL OR ({in_range}) OR (time < {from} AND is_overdue AND expected_by < {to})) AND {conditions}",
        in_range = in_range(ask),
        from = time(ask.range.from_ms),
        to = time(ask.range.to_ms),
        conditions = all_of(ask, |_| true),
    )
}

const MACHINE: Dimension = dimension(
    "machine",
    "Machine",
    "the id of the installation",
    "machine",
);
const OS: Dimension = dimension("os", "System", "the operating system", "os");
const ARCH: Dimension = dimension("arch", "Architecture", "of the machine", "arch");
const TELEMETRY: Dimension = dimension(
    "telemetry",
    "Telemetry",
    "events and metrics, events only, metrics only or spans only",
    "telemetry",
);
const MISSING: Dimension = dimension(
    "missing_signal",
    "Missing",
    "the signal that this client should send and does not",
    "missing_signal",
);
const CONTENT: Dimension = dimension(
    "content",
    "Content",
    "captured, redacted or none seen",
    "content",
);
const FAULTS: Dimension = dimension(
    "known_faults",
    "Known faults",
    "of this version of the client",
    "known_faults",
);
const OVERDUE: Dimension = dimension(
    "overdue",
    "Overdue",
    "true when it has been silent for longer than its rhythm explains",
    "CAST(is_overdue AS VARCHAR)",
);
const EXPECTED: Dimension = dimension(
    "expected",
    "Expected",
    "true when the roster expects it",
    "CAST(is_expected AS VARCHAR)",
);
