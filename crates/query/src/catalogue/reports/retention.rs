//! Who comes, stays, comes back and goes, by week.

use crate::catalogue::active::{
    BY_COST_CENTER, BY_DEPARTMENT, BY_ORGANIZATION, BY_PERSON, BY_PRODUCT, BY_TEAM, IDLE, SIGNALS,
    days, grouped, is_of_person, noon,
};
use crate::catalogue::ask::Ask;
use crate::catalogue::dimensions::{WEEK, dimension};
use crate::catalogue::exclusions::NOBODY;
use crate::catalogue::measures::{distinct, other};
use crate::catalogue::report::{Dimension, Report, Source, Unit};
use crate::catalogue::sql::all_of;
use crate::reports::time;

pub(super) static RETENTION: Report = Report {
    name: "retention",
    title: "Retention",
    about: "How many people are new, stay, come back and go, week by week?",
    definition: "A person is active in a week (Monday to Sunday, in the time zone that is asked for) when they are active on a day of \
        it, as in the report adoption. In their first week ever they are new; in a week after one in which they were active they are \
        retained; in any other they are resurrected. Returning are retained and resurrected together. Lost are those who were active \
        in the week before and are not in this one; in a week that is not over yet: so far. For the first week ever everything that \
        is stored before the range is read, too. Filtered or broken down by product or team, the same is told of work with that \
        product or in that team alone. Over several weeks each person counts once in each figure.",
    signals: SIGNALS,
    dimensions: &[
        WEEK,
        STATE,
        BY_PRODUCT,
        BY_TEAM,
        BY_DEPARTMENT,
        BY_COST_CENTER,
        BY_ORGANIZATION,
        BY_PERSON,
    ],
    usual_group_by: &["week"],
    measures: &[
        distinct(
            "active_people",
            "Active",
            "distinct people who were active",
            Unit::Count,
            "count(DISTINCT CASE WHEN state <> 'lost' THEN person END)",
        ),
        other(
            "new_people",
            "New",
            "people in their first week ever",
            Unit::Count,
            "count(DISTINCT CASE WHEN state = 'new' THEN person END)",
        ),
        other(
            "returning_people",
            "Returning",
            "people who were active in an earlier week, too",
            Unit::Count,
            "count(DISTINCT CASE WHEN state IN ('retained', 'resurrected') THEN person END)",
        ),
        other(
            "retained_people",
            "Retained",
            "people who were active in the week before, too",
            Unit::Count,
            "count(DISTINCT CASE WHEN state = 'retained' THEN person END)",
        ),
        other(
            "resurrected_people",
            "Resurrected",
            "people who were active in an earlier week, but not in the one before",
            Unit::Count,
            "count(DISTINCT CASE WHEN state = 'resurrected' THEN person END)",
        ),
        other(
            "lost_people",
            "Lost",
            "people who were active in the week before and are not any more",
            Unit::Count,
            "count(DISTINCT CASE WHEN state = 'lost' THEN person END)",
        ),
        other(
            "retention_share",
            "Retention",
            "of the people who were active in the week before, the share that still is",
            Unit::Share,
            "CAST(count(*) FILTER (WHERE state = 'retained') AS DOUBLE)
             / nullif(count(*) FILTER (WHERE state IN ('retained', 'lost')), 0)",
        ),
    ],
    exclusions: &[IDLE, NOBODY],
    source: Source::Built(built),
};

const STATE: Dimension = dimension(
    "state",
    "State",
    "new, retained, resurrected or lost",
    "state",
);

/// A row for each person and week with what became of them: people times weeks at most.
fn built(ask: &Ask) -> String {
    let (first, last) = ask.zone.days(&ask.range);
    let columns = grouped(ask);
    format!(
        "SELECT * FROM (
           SELECT person{columns}, week, state, {noon} AS time FROM (
             SELECT person{columns}, week,
                    CASE WHEN last_week IS NULL THEN 'new' WHEN last_week = week - 1 THEN 'retained'
                         ELSE 'resurrected' END AS state
             FROM ({weeks})
             UNION ALL
             SELECT person{columns}, week + 1 AS week, 'lost' AS state
             FROM ({weeks}) WHERE next_week IS NULL OR next_week > week + 1
           ) WHERE week >= {first_week} AND week <= {last_week}
         ) WHERE {conditions}",
        noon = noon("week * 7 - 3", ask),
        weeks = weeks(ask, &columns),
        first_week = week_of(first),
        last_week = week_of(last),
        conditions = all_of(ask, |own| !is_of_person(own)),
    )
}

/// Weeks are counted so that they begin on a Monday; 1970 began on a Thursday.
fn week_of(day: i64) -> i64 {
    (day + 3).div_euclid(7)
}

fn weeks(ask: &Ask, columns: &str) -> String {
    let until = time(ask.range.to_ms);
    format!(
        "SELECT *, lag(week) OVER (PARTITION BY person{columns} ORDER BY week) AS last_week,
                lead(week) OVER (PARTITION BY person{columns} ORDER BY week) AS next_week
         FROM (SELECT DISTINCT person{columns}, (day + 3) / 7 AS week FROM ({}))",
        days(ask, &format!("time < {until}"))
    )
}
