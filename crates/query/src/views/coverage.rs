//! `coverage`: who reports, from which machine with which client, how completely, and who has gone
//! silent against their own rhythm.
//!
//! Who is expected by the roster and was never seen has a row without a client. Everything is summed up by session and day first (`visits`); what follows works on those few rows.
//! A session's gaps, and items of the quarantine that name it, count where it was last seen. Invariant:
//! every item of the tables is counted in one row, what cannot be placed in a row without a client.

/// Clients that send metrics beside their events. Cowork sends none, by design.
const SENDS_BOTH: &str = "('claude-code', 'claude-code-desktop')";
/// What clients send in place of content that they were not told to send.
const REDACTED: &str = "<REDACTED>";

/// The time of an item, as far as it can be believed: nothing comes before it happened.
const SEEN: &str = "least(time, received_at)";

pub(super) fn coverage() -> String {
    format!(
        "
WITH visits AS ({visits}), placed AS (
  SELECT *,
         CASE WHEN row_number() OVER (PARTITION BY session_id ORDER BY last_seen DESC, {CLIENT}) = 1
              THEN session_id END AS counted_session,
         CASE WHEN row_number() OVER (PARTITION BY session_id, machine ORDER BY last_seen DESC, {CLIENT}) = 1
              THEN {RUN} END AS counted_run,
         CASE WHEN row_number() OVER (PARTITION BY machine ORDER BY last_seen DESC, session_id, {CLIENT}) = 1
              THEN machine END AS counted_machine,
         CASE WHEN person IS NOT NULL THEN _expected_by(last_seen) OVER (PARTITION BY person, product)
              END AS expected_by
  FROM visits
), sequences AS (
  SELECT {RUN} AS run, _sequence_gaps(stretches) OVER (PARTITION BY machine ORDER BY session_id) AS found
  FROM (SELECT _compact(user_id) AS machine, _compact(session_id) AS session_id, stretches
        FROM (SELECT user_id, session_id, _sequence_stretches({SEEN}, sequence) AS stretches
              FROM events WHERE sequence IS NOT NULL GROUP BY user_id, session_id))
), odd AS (
  SELECT odd_session, CASE WHEN odd_session IS NULL THEN odd_machine END AS odd_machine, count(*) AS items
  FROM (SELECT _sent_as(item, encoding, 'session.id') AS odd_session, _sent_as(item, encoding, 'user.id') AS odd_machine
        FROM quarantine)
  GROUP BY 1, 2
), with_sequences AS (
  SELECT placed.*, get_field(found, 'missing') AS missing, get_field(found, 'restarts') AS restarts
  FROM placed LEFT JOIN sequences ON counted_run = run
), with_sessions AS (
  SELECT with_sequences.*, odd.items AS odd_of_session
  FROM with_sequences FULL JOIN (SELECT * FROM odd WHERE odd_machine IS NULL) AS odd ON counted_session = odd_session
), with_machines AS (
  SELECT with_sessions.*, odd.items AS odd_of_machine
  FROM with_sessions FULL JOIN (SELECT * FROM odd WHERE odd_machine IS NOT NULL) AS odd ON counted_machine = odd.odd_machine
), clients AS (
  SELECT person, product, app_version, machine, min(first_seen) AS first_seen, max(last_seen) AS last_seen,
         max(expected_by) AS expected_by, max(os) AS os, max(arch) AS arch, count(DISTINCT session_id) AS sessions,
         coalesce(sum(events), 0) AS events, coalesce(sum(data_points), 0) AS data_points,
         coalesce(sum(spans), 0) AS spans, coalesce(sum(missing), 0) AS sequence_gaps,
         coalesce(sum(restarts), 0) AS restarts, coalesce(sum(identity_missing), 0) AS identity_missing,
         coalesce(sum(captured), 0) AS captured, coalesce(sum(redacted), 0) AS redacted,
         coalesce(sum(odd_of_session), 0) + coalesce(sum(odd_of_machine), 0) AS quarantined,
         false AS of_roster
  FROM with_machines GROUP BY person, product, app_version, machine
  UNION ALL
  SELECT person, product, NULL, NULL, NULL, NULL, _expected_by(expected_from), NULL, NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, true
  FROM roster WHERE is_expected GROUP BY person, product
), met AS (
  SELECT *,
         bool_or(of_roster AND product IS NULL) OVER (PARTITION BY {PERSON_KEY}) AS is_person_expected,
         bool_or(of_roster) OVER (PARTITION BY {PERSON_KEY}, {PRODUCT_KEY}) AS is_product_expected,
         bool_or(NOT of_roster) OVER (PARTITION BY {PERSON_KEY}) AS is_person_seen,
         bool_or(NOT of_roster) OVER (PARTITION BY {PERSON_KEY}, {PRODUCT_KEY}) AS is_product_seen
  FROM clients
)
SELECT person, product, app_version, last_seen,
       CASE WHEN last_seen IS NOT NULL
            THEN greatest(0, CAST(_now() AS BIGINT) - CAST(last_seen AS BIGINT)) / 1000 END AS silent_for_s,
       sessions, events, sequence_gaps, identity_missing,
       machine, os, arch,
       first_seen, data_points, spans, restarts, expected_by,
       coalesce(expected_by <= _now(), of_roster) AS is_overdue,
       CASE WHEN events > 0 AND data_points > 0 THEN 'events and metrics' WHEN events > 0 THEN 'events only'
            WHEN data_points > 0 THEN 'metrics only' WHEN spans > 0 THEN 'spans only' END AS telemetry,
       CASE WHEN events = 0 AND data_points > 0 THEN 'events'
            WHEN events > 0 AND data_points = 0 AND product IN {SENDS_BOTH} THEN 'metrics' END AS missing_signal,
       CASE WHEN captured > 0 THEN 'captured' WHEN redacted > 0 THEN 'redacted' ELSE 'none seen' END AS content,
       _known_faults(product, app_version) AS known_faults, quarantined,
       person IS NOT NULL AND (is_person_expected OR is_product_expected) AS is_expected
FROM met WHERE NOT of_roster OR NOT CASE WHEN product IS NULL THEN is_person_seen ELSE is_product_seen END",
        visits = visits(),
    )
}

/// Spans by the millisecond, as events are.
const SPANS: &str = "(SELECT person, product, app_version, user_id, session_id, resource, received_at,
                             arrow_cast(time, 'Timestamp(Millisecond, Some(\"UTC\"))') AS time FROM spans)";

/// Who, and with what: as keys that a filter does not pass, for the engine cannot sort what a filter has
/// made constant on two sides of a UNION.
const PERSON_KEY: &str = "coalesce(person, '')";
const PRODUCT_KEY: &str = "coalesce(product, '')";

/// One session on one machine, as a key.
const RUN: &str = "concat(coalesce(machine, ''), ' ', coalesce(session_id, ''))";

/// What a row of the view is of.
const CLIENT: &str = "person, product, app_version, machine";

/// One row for each client, session and day. Of the resource only what is shown goes on: these rows are
/// sorted several times. Each text is on its own then: those of a group hold on to the texts of all groups.
fn visits() -> String {
    let of = |table: &str, counts: [&str; 6]| {
        let [
            events,
            data_points,
            spans,
            identity_missing,
            captured,
            redacted,
        ] = counts;
        format!(
            "SELECT _compact(person) AS person, _compact(product) AS product, _compact(app_version) AS app_version,
                    _compact(user_id) AS machine, _compact(session_id) AS session_id, first_seen, last_seen,
                    _compact(os) AS os, _compact(arch) AS arch, events, data_points, spans, identity_missing, captured, redacted
             FROM (SELECT person, product, app_version, user_id, session_id, min({SEEN}) AS first_seen,
                          max({SEEN}) AS last_seen, max(attribute(resource, 'os.type')) AS os,
                          max(attribute(resource, 'host.arch')) AS arch, {events} AS events,
                          {data_points} AS data_points, {spans} AS spans, {identity_missing} AS identity_missing,
                          {captured} AS captured, {redacted} AS redacted
                   FROM {table} GROUP BY person, product, app_version, user_id, session_id, date_trunc('day', {SEEN}))"
        )
    };
    let is = |condition: &str| format!("sum(CASE WHEN {condition} THEN 1 ELSE 0 END)");
    let nobody = is("user_email IS NULL AND user_account_id IS NULL AND user_account_uuid IS NULL");
    let captured = is(&format!(
        "prompt <> '{REDACTED}' OR response <> '{REDACTED}'"
    ));
    let redacted = is(&format!("prompt = '{REDACTED}' OR response = '{REDACTED}'"));
    let events = of(
        "events",
        ["count(*)", "0", "0", &nobody, &captured, &redacted],
    );
    let points = of("metrics", ["0", "count(*)", "0", "0", "0", "0"]);
    let spans = of(SPANS, ["0", "0", "count(*)", "0", "0", "0"]);
    [events, points, spans].join(" UNION ALL ")
}
