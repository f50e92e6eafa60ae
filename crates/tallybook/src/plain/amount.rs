//! Figures with their units.

use chrono::DateTime;
use query::catalogue::TimeZone;
use serde_json::Value;

use super::printable;

/// How long text in a cell may be.
const TEXT_CHARS_MAX: usize = 48;

/// How the figures of one column are written.
#[derive(Clone, Debug)]
pub(crate) struct Amount {
    unit: String,
    /// Decimals of money: small amounts need four.
    decimals: usize,
    currency: String,
    zone: TimeZone,
}

impl Amount {
    /// For a column of this unit whose figures are these.
    pub(crate) fn of<'v>(
        unit: &str,
        currency: &str,
        figures: impl Iterator<Item = &'v Value>,
    ) -> Amount {
        let greatest = figures
            .filter_map(Value::as_f64)
            .map(f64::abs)
            .fold(0.0, f64::max);
        let decimals = if greatest > 0.0 && greatest < 1.0 {
            4
        } else {
            2
        };
        Amount {
            unit: unit.to_owned(),
            decimals,
            currency: currency.to_owned(),
            zone: TimeZone::default(),
        }
    }

    /// Writes moments as the time on the wall of a zone.
    pub(crate) fn in_zone(mut self, zone: TimeZone) -> Amount {
        self.zone = zone;
        self
    }

    /// Whether it stands to the right.
    pub(crate) fn is_number(&self) -> bool {
        !matches!(self.unit.as_str(), "text" | "time")
    }

    /// A figure as people read it; nothing is `–`.
    pub(crate) fn write(&self, value: &Value) -> String {
        let Some(number) = value.as_f64() else {
            return match value {
                Value::Null => "–".to_owned(),
                Value::String(text) if self.unit == "time" => self.moment(text),
                Value::String(text) => printable(text, TEXT_CHARS_MAX),
                other => printable(&other.to_string(), TEXT_CHARS_MAX),
            };
        };
        match self.unit.as_str() {
            "usd" => money(number, "USD", self.decimals),
            "currency" => money(number, &self.currency, self.decimals),
            "ms" => duration(number),
            "seconds" => duration(number * 1e3),
            "bytes" => bytes(number),
            "share" => format!("{:.1} %", number * 100.0),
            "tokens" | "count" => counted(number),
            _ => value.to_string(),
        }
    }
}

impl Amount {
    fn moment(&self, text: &str) -> String {
        match DateTime::parse_from_rfc3339(text) {
            Ok(at) => self.zone.wall(at.timestamp_millis()),
            Err(_) => printable(text, TEXT_CHARS_MAX),
        }
    }
}

fn money(number: f64, currency: &str, decimals: usize) -> String {
    let digits = grouped(&format!("{:.decimals$}", number.abs()));
    let sign = if number < 0.0 { "-" } else { "" };
    match currency {
        "USD" => format!("{sign}${digits}"),
        other => format!("{sign}{digits} {other}"),
    }
}

fn counted(number: f64) -> String {
    let decimals = if number.fract() == 0.0 { 0 } else { 2 };
    let sign = if number < 0.0 { "-" } else { "" };
    format!("{sign}{}", grouped(&format!("{:.decimals$}", number.abs())))
}

/// Commas between thousands.
fn grouped(digits: &str) -> String {
    let (whole, rest) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut out = String::with_capacity(digits.len() + whole.len() / 3);
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out + rest
}

fn duration(ms: f64) -> String {
    let whole_s = (ms / 1e3).round().abs() as u64;
    let (days, hours, minutes, s) = (
        whole_s / 86_400,
        whole_s / 3600 % 24,
        whole_s / 60 % 60,
        whole_s % 60,
    );
    match ms.abs() {
        below if below < 999.5 => format!("{ms:.0} ms"),
        below if below < 59_950.0 => format!("{:.1} s", ms / 1e3),
        _ if whole_s < 3600 => format!("{minutes} min {s:02} s"),
        _ if whole_s < 86_400 => format!("{hours} h {minutes:02} min"),
        _ => format!("{} d {hours:02} h", grouped(&days.to_string())),
    }
}

fn bytes(number: f64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut scaled, mut place) = (number, 0);
    while scaled.abs() >= 1023.95 && place + 1 < units.len() {
        (scaled, place) = (scaled / 1024.0, place + 1);
    }
    let decimals = usize::from(place > 0);
    format!("{scaled:.decimals$} {}", units[place])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn figures_have_their_units() {
        for (unit, value, text) in [
            ("usd", json!(1_234_567.891), "$1,234,567.89"),
            ("usd", json!(0.42287), "$0.4229"),
            ("usd", json!(0), "$0.00"),
            ("usd", json!(-12.5), "-$12.50"),
            ("currency", json!(999.999), "1,000.00 EUR"),
            ("tokens", json!(123_456_789), "123,456,789"),
            ("count", json!(12), "12"),
            ("count", json!(2.5), "2.50"),
            ("share", json!(0.1234), "12.3 %"),
            ("ms", json!(0.4), "0 ms"),
            ("ms", json!(999.4), "999 ms"),
            ("ms", json!(1234), "1.2 s"),
            ("ms", json!(59_960), "1 min 00 s"),
            ("seconds", json!(7_260), "2 h 01 min"),
            ("seconds", json!(180_000), "2 d 02 h"),
            ("bytes", json!(1023), "1023 B"),
            ("bytes", json!(1_572_864), "1.5 MiB"),
            ("text", json!("a\u{1b}[31mb"), "a [31mb"),
            (
                "time",
                json!("2026-11-01T00:30:59.000Z"),
                "2026-11-01 00:30",
            ),
            ("time", json!("lately"), "lately"),
            ("usd", json!(null), "–"),
        ] {
            let amount = Amount::of(unit, "EUR", [&value].into_iter());
            assert_eq!(amount.write(&value), text, "{unit} {value}");
        }
    }

    #[test]
    fn moments_are_those_of_the_zone() {
        let zone = "Europe/Berlin".parse().expect("a zone");
        let amount = Amount::of("time", "USD", std::iter::empty()).in_zone(zone);
        assert_eq!(
            amount.write(&json!("2026-11-01T23:30:00.000Z")),
            "2026-11-02 00:30"
        );
    }

    #[test]
    fn a_column_has_one_number_of_decimals() {
        let values = [json!(0.25), json!(12.0)];
        let amount = Amount::of("usd", "USD", values.iter());
        assert_eq!(
            values.map(|value| amount.write(&value)),
            ["$0.25", "$12.00"]
        );
    }
}
