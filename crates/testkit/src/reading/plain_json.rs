//! Recorded JSON bodies, read as plain JSON.

use contract::Signal;
use serde_json::Value as Json;

use super::{Fields, Reader};
use crate::Problem;

impl Reader {
    pub(super) fn json(&mut self, signal: Signal, body: &[u8]) -> Result<(), Problem> {
        let body: Json = serde_json::from_slice(body)?;
        match signal {
            Signal::Logs => {
                for record in below(&body, &["resourceLogs", "scopeLogs", "logRecords"]) {
                    let body = record.pointer("/body/stringValue").and_then(Json::as_str);
                    self.event(body, &json_fields(record));
                }
            }
            Signal::Metrics => {
                for metric in below(&body, &["resourceMetrics", "scopeMetrics", "metrics"]) {
                    self.json_metric(metric)?;
                }
            }
            Signal::Traces => {
                let spans = below(&body, &["resourceSpans", "scopeSpans", "spans"]);
                self.reading.items.traces += spans.len() as u64;
            }
        }
        Ok(())
    }

    fn json_metric(&mut self, metric: &Json) -> Result<(), Problem> {
        let name = metric["name"].as_str().unwrap_or_default();
        // Every metric of the recordings is a sum.
        let points = metric["sum"]["dataPoints"].as_array();
        let points = points.ok_or_else(|| Problem::new(format!("{name} is not a sum")))?;
        let is_cumulative = metric["sum"]["aggregationTemporality"] == 2;
        for point in points {
            let start = point["startTimeUnixNano"].as_str().unwrap_or("0").parse()?;
            let value = point["asDouble"].as_f64().or(point["asInt"].as_f64());
            let value = value.ok_or_else(|| Problem::new(format!("{name} has no value")))?;
            self.data_point(name, json_fields(point), start, value, is_cumulative);
        }
        Ok(())
    }
}

/// The elements of nested arrays: all under `keys[0]`, under each of them all under `keys[1]`, …
fn below<'a>(json: &'a Json, keys: &[&str]) -> Vec<&'a Json> {
    let Some((key, deeper)) = keys.split_first() else {
        return vec![json];
    };
    let elements = json[*key].as_array().into_iter().flatten();
    elements
        .flat_map(|element| below(element, deeper))
        .collect()
}

fn json_fields(item: &Json) -> Fields {
    let text = |attribute: &Json| {
        let value = attribute["value"].as_object()?.values().next()?;
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        Some((attribute["key"].as_str()?.to_owned(), value))
    };
    let attributes = item["attributes"].as_array().into_iter().flatten();
    attributes.filter_map(text).collect()
}
