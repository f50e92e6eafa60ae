//! How many people are active, by day, in a week and in a month.

use crate::catalogue::active::{
    BY_COST_CENTER, BY_DEPARTMENT, BY_ORGANIZATION, BY_PERSON, BY_PRODUCT, BY_TEAM, IDLE, SIGNALS,
    days, grouped, is_of_person, noon,
};
use crate::catalogue::ask::Ask;
use crate::catalogue::dimensions::{DAY, MONTH, WEEK, WEEKDAY};
use crate::catalogue::exclusions::NOBODY;
use crate::catalogue::measures::{distinct, other};
use crate::catalogue::report::{Report, Source, Unit};
use crate::catalogue::sql::all_of;
use crate::reports::time;

/// A month is this many days, so that all months count alike.
const MONTH_DAYS: i64 = 30;

pub(super) static ADOPTION: Report = Report {
    name: "adoption",
    title: "Adoption",
    about: "How many people use it: daily, weekly and monthly active people?",
    definition: "A person is active on a day when they caused work on it: a prompt, a request, a failed request or a tool call, or a \
        data point above zero of the metrics of cost, tokens, active time, lines, commits, pull requests or edit decisions. Starting \
        a client is no work. People count once over all products and clients; items without an identity count as nobody. By day, \
        wau is the people of the seven days that end with it and mau of the thirty days; both look back before the range. Days are \
        those of the time zone that is asked for, and whole, even where the range begins within one.",
    signals: SIGNALS,
    dimensions: &[
        DAY,
        WEEK,
        MONTH,
        WEEKDAY,
        BY_PRODUCT,
        BY_TEAM,
        BY_DEPARTMENT,
        BY_COST_CENTER,
        BY_ORGANIZATION,
        BY_PERSON,
    ],
    usual_group_by: &["day"],
    measures: &[
        distinct(
            "active_people",
            "Active people",
            "distinct people who were active on the row's days",
            Unit::Count,
            "count(DISTINCT CASE WHEN days_ago = 0 THEN person END)",
        ),
        other(
            "dau",
            "Daily active",
            "people active on a day, the mean over the row's days on which anybody was; by day: of the day",
            Unit::Count,
            "coalesce(CAST(count(DISTINCT CASE WHEN days_ago = 0 THEN concat(CAST(day AS VARCHAR), ' ', person) END) AS DOUBLE)
             / nullif(count(DISTINCT CASE WHEN days_ago = 0 THEN day END), 0), 0)",
        ),
        distinct(
            "wau",
            "Weekly active",
            "distinct people who were active on the row's days or the six days before",
            Unit::Count,
            "count(DISTINCT CASE WHEN days_ago < 7 THEN person END)",
        ),
        distinct(
            "mau",
            "Monthly active",
            "distinct people who were active on the row's days or the 29 days before",
            Unit::Count,
            "count(DISTINCT person)",
        ),
        other(
            "stickiness",
            "Stickiness",
            "of the people active within thirty days, the share that is active on a day; over several days the mean",
            Unit::Share,
            "CAST(count(DISTINCT CASE WHEN days_ago = 0 THEN concat(CAST(day AS VARCHAR), ' ', person) END) AS DOUBLE)
             / nullif(count(DISTINCT concat(CAST(day AS VARCHAR), ' ', person)), 0)",
        ),
        distinct(
            "active_days",
            "Person-days",
            "days on which a person was active, over all people",
            Unit::Count,
            "count(DISTINCT CASE WHEN days_ago = 0 THEN concat(CAST(day AS VARCHAR), ' ', person) END)",
        ),
    ],
    exclusions: &[IDLE, NOBODY],
    source: Source::Built(built),
};

/// A row for each person and day on which they were active within a month, with how many days ago. So
/// there are as many rows as people times days at most, whatever they did.
fn built(ask: &Ask) -> String {
    let (first, last) = ask.zone.days(&ask.range);
    let since = time(since(ask));
    let until = time(ask.range.to_ms);
    let (columns, offsets) = (grouped(ask), offsets());
    format!(
        "SELECT * FROM (
           SELECT person{columns}, day + ago AS day, ago AS days_ago, {noon} AS time
           FROM (
             SELECT *, lead(day) OVER (PARTITION BY person{columns} ORDER BY day) AS next_day FROM ({days})
           ) CROSS JOIN (VALUES {offsets}) AS offsets(ago)
           WHERE (next_day IS NULL OR day + ago < next_day) AND day + ago >= {first} AND day + ago <= {last}
         ) WHERE {conditions}",
        noon = noon("day + ago", ask),
        days = days(ask, &format!("time >= {since} AND time < {until}")),
        conditions = all_of(ask, |own| !is_of_person(own)),
    )
}

/// From when on work is read, milliseconds since the Unix epoch.
pub(in crate::catalogue) fn since(ask: &Ask) -> i64 {
    let (first, _) = ask.zone.days(&ask.range);
    ask.zone.midnight_of(first - MONTH_DAYS + 1)
}

fn offsets() -> String {
    let offsets: Vec<String> = (0..MONTH_DAYS).map(|ago| format!("({ago})")).collect();
    offsets.join(", ")
}
