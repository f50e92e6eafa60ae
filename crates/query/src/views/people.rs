//! Whose an item is, in the views over tables; `people`, a row for each person; `roster`.

use crate::people::PeopleFiles;

/// The table under `roster`.
pub(crate) const ROSTER: &str = "_roster";

/// What the client itself says, beside what counts.
pub(super) const CLIENT_UNITS: &str =
    "team AS client_team, department AS client_department, cost_center AS client_cost_center";

/// Where people are not resolved.
pub(super) const NOBODY: &str =
    "CAST(NULL AS VARCHAR) AS person, CAST(NULL AS VARCHAR) AS person_basis";

/// What people are resolved by. Columns that no file asks for are not read.
fn arguments(files: &PeopleFiles) -> String {
    let mapping = files.mapping.as_ref();
    let wanted = |is_wanted: bool, column: &'static str| if is_wanted { column } else { "NULL" };
    format!(
        "time, session_id, user_id, user_email, user_account_uuid, user_account_id, {}, {}, {}",
        wanted(
            mapping.is_some_and(|mapping| mapping.names_organizations()),
            "organization_id"
        ),
        wanted(
            mapping.is_some_and(|mapping| mapping.names_attributes()),
            "resource"
        ),
        wanted(!files.tokens.is_empty(), "token"),
    )
}

/// The person of an item, and what that rests on.
pub(super) fn person(files: &PeopleFiles) -> String {
    format!("{}, {}", name(files), basis(files))
}

pub(super) fn name(files: &PeopleFiles) -> String {
    format!("_person({}) AS person", arguments(files))
}

pub(super) fn basis(files: &PeopleFiles) -> String {
    format!("_person_basis({}) AS person_basis", arguments(files))
}

/// The team, department or cost centre of an item.
pub(super) fn unit(column: &str, files: &PeopleFiles) -> String {
    format!("_{column}({}, {column}) AS {column}", arguments(files))
}

/// `roster`: the file, with the name by which the views know each person today.
pub(super) const EXPECTED: &str = "
SELECT _called(_now(), id) AS person, id, name, team, department, cost_center, time_zone, product,
       expected_from, expected_to,
       (expected_from IS NULL OR expected_from <= _now()) AND (expected_to IS NULL OR _now() < expected_to) AS is_expected
FROM _roster";

/// Bases, best first.
const BASES: &[&str] = &[
    "email",
    "account",
    "session",
    "installation",
    "mapping",
    "token",
    "installation_id",
];

pub(super) fn people() -> String {
    let ranks = BASES
        .iter()
        .zip(1..)
        .map(|(basis, rank)| format!("WHEN '{basis}' THEN {rank}"));
    let bases = BASES
        .iter()
        .zip(1..)
        .map(|(basis, rank)| format!("WHEN {rank} THEN '{basis}'"));
    let (ranks, bases) = (ranks.collect::<String>(), bases.collect::<String>());
    let of_table = |table: &str| {
        format!(
            "SELECT person, person_basis, product, user_email, user_account_id, user_account_uuid, user_id,
                    team, department, cost_center,
                    arrow_cast(min(time), 'Timestamp(ms, \"UTC\")') AS first_seen,
                    arrow_cast(max(time), 'Timestamp(ms, \"UTC\")') AS last_seen
             FROM {table} WHERE person IS NOT NULL
             GROUP BY person, person_basis, product, user_email, user_account_id, user_account_uuid, user_id,
                      team, department, cost_center"
        )
    };
    let newest = |column: &str| {
        // Times of equally many digits are in order as texts, too.
        format!(
            "substr(max(CAST(CAST(last_seen AS BIGINT) + 10000000000000 AS VARCHAR) || {column}), 15) AS {column}"
        )
    };
    let all = |column: &str| format!("_in_order(string_agg(DISTINCT {column}, chr(10)))");
    format!(
        "
WITH items AS ({events} UNION ALL {metrics} UNION ALL {spans}), seen AS (
  SELECT person, min(CASE person_basis {ranks} END) AS basis_rank, {emails} AS user_emails,
         {account_ids} AS user_account_ids, {account_uuids} AS user_account_uuids,
         count(DISTINCT user_id) AS installations, {products} AS products, {team}, {department}, {cost_center},
         min(first_seen) AS first_seen, max(last_seen) AS last_seen
  FROM (SELECT *, lower(trim(user_email)) AS email FROM items) GROUP BY person
), expected AS (
  SELECT person, min(name) AS name, min(team) AS team, min(department) AS department,
         min(cost_center) AS cost_center, min(time_zone) AS time_zone
  FROM roster WHERE is_expected GROUP BY person
)
SELECT coalesce(seen.person, expected.person) AS person, expected.name AS name,
       CASE basis_rank {bases} END AS person_basis, user_emails, user_account_ids, user_account_uuids,
       coalesce(installations, 0) AS installations, products, coalesce(seen.team, expected.team) AS team,
       coalesce(seen.department, expected.department) AS department,
       coalesce(seen.cost_center, expected.cost_center) AS cost_center, expected.time_zone AS time_zone,
       first_seen, last_seen, expected.person IS NOT NULL AS is_expected,
       basis_rank IS NULL OR basis_rank < {unattributed} AS attributed
FROM seen FULL OUTER JOIN expected ON seen.person = expected.person",
        events = of_table("events"),
        metrics = of_table("metrics"),
        spans = of_table("spans"),
        emails = all("email"),
        account_ids = all("user_account_id"),
        account_uuids = all("user_account_uuid"),
        products = all("product"),
        team = newest("team"),
        department = newest("department"),
        cost_center = newest("cost_center"),
        unattributed = BASES.len(),
    )
}
