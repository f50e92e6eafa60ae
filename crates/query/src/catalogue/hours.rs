//! Which questions sums by hour answer as items would: those of reports whose figures are sums, or
//! count what the sums keep apart, over whole hours.

use super::ask::{Ask, Condition};
use super::dimensions::PROJECT;
use super::range::Range;
use super::reports::adoption_since;
use crate::by_hour::Hours;
use crate::digests::Kind;
use crate::people::PeopleFiles;
use crate::sight::Sight;

const HOUR_MS: i64 = 3_600_000;
/// 2020. What claims to be older is read item by item.
const LONG_AGO_MS: i64 = 1_577_836_800_000;
/// Reports that read `usage`, and count no row of it for one.
const OF_USAGE: &[&str] = &["cost", "tokens", "people", "productivity", "skills"];

/// What a report can be answered by, and which times it reads.
fn read(ask: &Ask) -> Option<(Kind, Range)> {
    let since = |from_ms| Range {
        from_ms,
        to_ms: ask.range.to_ms,
    };
    match ask.report.name {
        name if OF_USAGE.contains(&name) => Some((Kind::Usage, ask.range)),
        // Both count people, not items, and look back.
        "adoption" => Some((Kind::Active, since(adoption_since(ask)))),
        "retention" => Some((Kind::Active, since(LONG_AGO_MS))),
        _ => None,
    }
}

/// The hours that are whole in the range, from one moment until before another; `None` when items must
/// answer.
pub(super) fn whole(ask: &Ask, files: &PeopleFiles, sight: &Sight) -> Option<Hours> {
    let (kind, range) = read(ask)?;
    let from_ms = (range.from_ms + HOUR_MS - 1).div_euclid(HOUR_MS) * HOUR_MS;
    let to_ms = range.to_ms.div_euclid(HOUR_MS) * HOUR_MS;
    // Attributes of the resource are not among what sums keep apart.
    let names_attributes = files
        .mapping
        .as_ref()
        .is_some_and(|mapping| mapping.names_attributes());
    // A text that is asked for must not be taken for a time that is (`of_rows`).
    let is_plain = |condition: &Condition| !condition.value.contains("(time)");
    let is_answered = from_ms < to_ms
        && ask.conditions.iter().all(is_plain)
        && (sight.has_content() || !names_project(ask))
        && ask.zone.has_whole_hours(&range)
        && !names_attributes;
    let whole = (from_ms, to_ms);
    is_answered.then_some(Hours { kind, whole })
}

/// Whether it asks what was worked on, which who sees no content is told in part: item by item.
fn names_project(ask: &Ask) -> bool {
    let grouped = ask.group_by.iter().map(|dimension| dimension.name);
    let conditions = ask.conditions.iter().map(|condition| condition.dimension);
    grouped.chain(conditions).any(|name| name == PROJECT.name)
}

/// The text of a question when a row is of several items: the first and the last of them have the times
/// that are asked for.
pub(super) fn of_rows(sql: &str, hours: &Hours) -> String {
    if hours.kind != Kind::Usage {
        return sql.to_owned();
    }
    sql.replace("min(time)", "min(first_time)")
        .replace("max(time)", "max(last_time)")
}
