//! The findings for people and for machines.

use std::fmt::Write;

use serde_json::json;

use super::trial::Trial;
use crate::cli::PlainFormat;
use crate::failure::Failure;
use crate::plain;

pub(super) fn findings(trial: &Trial, format: PlainFormat) -> Result<String, Failure> {
    match format {
        PlainFormat::Json => as_json(trial),
        PlainFormat::Text => Ok(as_text(trial)),
    }
}

fn as_json(trial: &Trial) -> Result<String, Failure> {
    let findings = trial.findings().map(|(what, times)| {
        let detector = (!what.detector.is_empty()).then_some(&what.detector);
        json!({
            "signal": what.signal, "attribute": what.attribute, "action": what.done.name(),
            "detector": detector, "times": times,
            "samples": samples(trial, &what.attribute, &what.detector),
        })
    });
    let findings: Vec<serde_json::Value> = findings.collect();
    let document = json!({
        "policy": trial.policy.summary(), "rows": trial.rows, "rows_changed": trial.rows_changed,
        "findings": findings,
    });
    serde_json::to_string_pretty(&document).map_err(Failure::failed)
}

/// The samples in which that detector masked something.
fn samples<'t>(trial: &'t Trial, attribute: &str, detector: &str) -> Vec<&'t String> {
    let mask = format!("[masked:{detector}]");
    let all = trial.samples.get(attribute).into_iter().flatten();
    all.filter(|sample| sample.contains(&mask)).collect()
}

fn as_text(trial: &Trial) -> String {
    let mut out = format!(
        "The policy: {}\n{} of {} stored items would be changed; nothing was.\n",
        trial.policy.summary(),
        trial.rows_changed,
        trial.rows
    );
    for (what, times) in trial.findings() {
        let detector = match what.detector.as_str() {
            "" => String::new(),
            name => format!(" ({name})"),
        };
        // Writing to a text cannot fail.
        let _ = writeln!(
            out,
            "\n{times:>8} × {}{detector}  {} of {}",
            what.done.name(),
            plain::printable(&what.attribute, 80),
            what.signal
        );
        for sample in samples(trial, &what.attribute, &what.detector) {
            let _ = writeln!(out, "           {}", plain::printable(sample, 160));
        }
    }
    out
}
