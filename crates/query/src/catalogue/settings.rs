//! The settings that figures depend on.

use serde::Serialize;
use utoipa::ToSchema;

use super::ask::Ask;
use super::report::Unit;
use crate::people::{Mapping, Roster};
use crate::question::Question;

/// A setting that a figure depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Setting {
    /// What it is.
    pub name: &'static str,
    /// What it is set to.
    pub value: String,
}

/// The settings that the figures of a report depend on.
pub(super) fn of(question: &Question<'_>, ask: &Ask) -> Vec<Setting> {
    let setting = |name, value| Setting { name, value };
    let mut settings = vec![setting("time zone", ask.zone.name().to_owned())];
    let has = |unit| {
        ask.report
            .measures
            .iter()
            .any(|measure| measure.unit == unit)
    };
    let cost = question.cost();
    if has(Unit::Usd) || has(Unit::Currency) {
        settings.push(setting("price book", cost.book.version().to_owned()));
        let place = if cost.us_only {
            "United States only"
        } else {
            "anywhere"
        };
        settings.push(setting("place of inference", place.to_owned()));
    }
    if has(Unit::Currency) {
        let percent = (cost.discount * 1e6).round() / 1e4;
        settings.push(setting("discount", format!("{percent} %")));
        let currency = match cost.currency.as_str() {
            "USD" => "USD".to_owned(),
            other => format!("{other}, {} for a US dollar", cost.currency_per_usd),
        };
        settings.push(setting("currency", currency));
    }
    // The files speak of all organisations.
    if question.sight().organizations().is_some() {
        return settings;
    }
    let people = question.people_files();
    let files = [
        (
            "mapping of people",
            people.mapping.as_ref().map(Mapping::rows),
        ),
        ("roster", people.roster.as_ref().map(Roster::rows)),
    ];
    let files = files
        .into_iter()
        .filter_map(|(name, rows)| Some((name, rows?)));
    settings.extend(files.map(|(name, rows)| setting(name, format!("{rows} rows"))));
    settings
}
