//! Which questions sums by hour answer as items would: those of reports whose figures are sums, or
//! count what the sums keep apart, over whole hours.

use super::ask::{Ask, Condition};
use super::dimensions::PROJECT;
use crate::people::PeopleFiles;
use crate::sight::Sight;

const HOUR_MS: i64 = 3_600_000;
/// Reports that read `usage`, and count no row of it for one.
const REPORTS: &[&str] = &["cost", "tokens", "people", "productivity", "skills"];

/// The hours that are whole in the range, from one moment until before another; `None` when items must
/// answer.
pub(super) fn whole(ask: &Ask, files: &PeopleFiles, sight: &Sight) -> Option<(i64, i64)> {
    let from_ms = ask.range.from_ms.div_euclid(HOUR_MS) * HOUR_MS;
    let from_ms = from_ms
        + if from_ms < ask.range.from_ms {
            HOUR_MS
        } else {
            0
        };
    let to_ms = ask.range.to_ms.div_euclid(HOUR_MS) * HOUR_MS;
    // Attributes of the resource are not among what sums keep apart.
    let names_attributes = files
        .mapping
        .as_ref()
        .is_some_and(|mapping| mapping.names_attributes());
    // A text that is asked for must not be taken for a time that is (`of_rows`).
    let is_plain = |condition: &Condition| !condition.value.contains("(time)");
    let is_answered = from_ms < to_ms
        && ask.conditions.iter().all(is_plain)
        && REPORTS.contains(&ask.report.name)
        && (sight.has_content() || !names_project(ask))
        && ask.zone.has_whole_hours(&ask.range)
        && !names_attributes;
    is_answered.then_some((from_ms, to_ms))
}

/// Whether it asks what was worked on, which who sees no content is told in part: item by item.
fn names_project(ask: &Ask) -> bool {
    let grouped = ask.group_by.iter().map(|dimension| dimension.name);
    let conditions = ask.conditions.iter().map(|condition| condition.dimension);
    grouped.chain(conditions).any(|name| name == PROJECT.name)
}

/// The text of a question when a row is of several items: the first and the last of them have the times
/// that are asked for.
pub(super) fn of_rows(sql: &str) -> String {
    sql.replace("min(time)", "min(first_time)")
        .replace("max(time)", "max(last_time)")
}
