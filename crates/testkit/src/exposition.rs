//! What a server shows to Prometheus, read as strictly as a scraper could.
//!
//! Invariant: a family that parses has a help, a type and samples that agree with it; a series occurs
//! once; the buckets of a histogram only grow and end with its count.

use std::collections::BTreeMap;

use crate::Problem;

/// All families of one answer of `/metrics`, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exposition {
    /// Each with what it says of itself.
    pub families: BTreeMap<String, Family>,
}

/// One metric with all its series.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Family {
    /// What it is, in words.
    pub help: String,
    /// `counter`, `gauge` or `histogram`.
    pub kind: String,
    /// Values by series as it is written: `name{label="value"}`.
    pub samples: BTreeMap<String, f64>,
}

impl Exposition {
    /// Reads Prometheus' text format.
    ///
    /// # Errors
    ///
    /// The first line that is wrong, and why.
    pub fn parse(text: &str) -> Result<Exposition, Problem> {
        let mut read = Exposition::default();
        let mut current = String::new();
        for (number, line) in (1..).zip(text.lines()) {
            read.line(line, &mut current)
                .map_err(|problem| problem.while_doing(format!("line {number}, {line:?}")))?;
        }
        for (name, family) in &read.families {
            family
                .check(name)
                .map_err(|problem| problem.while_doing(name))?;
        }
        Ok(read)
    }

    /// The value of one series, 0 where there is none.
    pub fn value(&self, series: &str) -> f64 {
        let found = self
            .families
            .values()
            .find_map(|family| family.samples.get(series));
        found.copied().unwrap_or_default()
    }

    /// The sum of all series of `name` that have these labels.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let has = |series: &str| {
            let is =
                |(label, value): &(&str, &str)| series.contains(&format!("{label}=\"{value}\""));
            name_of(series) == name && labels.iter().all(is)
        };
        let samples = self.families.values().flat_map(|family| &family.samples);
        let found = samples.filter(|(series, _)| has(series));
        found.map(|(_, value)| value).sum()
    }

    fn line(&mut self, line: &str, current: &mut String) -> Result<(), Problem> {
        let wrong = |what: &str| Err(Problem::new(what));
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let Some((name, help)) = rest.split_once(' ') else {
                return wrong("a metric without help");
            };
            if !is_name(name) || self.families.contains_key(name) {
                return wrong("a family that cannot be, or is there already");
            }
            name.clone_into(current);
            let family = self.families.entry(name.to_owned()).or_default();
            help.clone_into(&mut family.help);
            return Ok(());
        }
        let Some(family) = self.families.get_mut(current.as_str()) else {
            return wrong("no help before it");
        };
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let kind = rest.strip_prefix(current.as_str()).map(str::trim);
            match kind {
                Some(kind @ ("counter" | "gauge" | "histogram")) if family.kind.is_empty() => {
                    kind.clone_into(&mut family.kind);
                    return Ok(());
                }
                _ => return wrong("a type that is unknown, or of another family"),
            }
        }
        let Some((series, value)) = line.rsplit_once(' ') else {
            return wrong("neither help, type nor sample");
        };
        check_series(series)?;
        let value: f64 = value.parse()?;
        match family.samples.insert(series.to_owned(), value) {
            None => Ok(()),
            Some(_) => wrong("the series is there already"),
        }
    }
}

impl Family {
    fn check(&self, name: &str) -> Result<(), Problem> {
        let wrong = |what: &str| Err(Problem::new(what));
        if self.kind.is_empty() || self.help.len() < 5 || self.samples.is_empty() {
            return wrong("a family needs help, type and samples");
        }
        if (self.kind == "counter") != name.ends_with("_total") {
            return wrong("counters, and only they, end in _total");
        }
        let suffixes: &[&str] = match self.kind.as_str() {
            "histogram" => &["_bucket", "_sum", "_count"],
            _ => &[""],
        };
        for (series, value) in &self.samples {
            let suffix = name_of(series).strip_prefix(name);
            if !suffix.is_some_and(|suffix| suffixes.contains(&suffix)) {
                return wrong("a sample of another family");
            }
            if !value.is_finite() || (self.kind != "gauge" && *value < 0.0) {
                return wrong("a value that cannot be");
            }
        }
        if self.kind == "histogram" {
            return self.check_buckets(name);
        }
        Ok(())
    }

    /// The buckets of every combination of labels: by bound they only grow, and the last is all.
    fn check_buckets(&self, name: &str) -> Result<(), Problem> {
        let mut buckets: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
        for (series, count) in &self.samples {
            let Some((labels, bound)) = bucket_of(series, name) else {
                continue;
            };
            buckets.entry(labels).or_default().push((bound?, *count));
        }
        for (labels, mut counts) in buckets {
            counts.sort_by(|one, other| one.0.total_cmp(&other.0));
            let grows = counts.windows(2).all(|pair| pair[0].1 <= pair[1].1);
            let all = self.samples.get(&format!("{name}_count{labels}"));
            let last = counts.last().copied();
            if !grows || last != all.map(|all| (f64::INFINITY, *all)) {
                return Err(Problem::new(format!("buckets of {labels:?} do not add up")));
            }
        }
        Ok(())
    }
}

/// The labels of a bucket without its bound, and its bound.
fn bucket_of(series: &str, name: &str) -> Option<(String, Result<f64, std::num::ParseFloatError>)> {
    let labels = series.strip_prefix(name)?.strip_prefix("_bucket{")?;
    let labels: Vec<&str> = labels.strip_suffix('}')?.split(',').collect();
    let (bounds, others): (Vec<&str>, Vec<&str>) =
        labels.iter().partition(|label| label.starts_with("le=\""));
    let bound = bounds.first()?.strip_prefix("le=\"")?.strip_suffix('"')?;
    let others = match others.is_empty() {
        true => String::new(),
        false => format!("{{{}}}", others.join(",")),
    };
    Some((others, bound.parse()))
}

fn name_of(series: &str) -> &str {
    series.split('{').next().unwrap_or_default()
}

fn is_name(name: &str) -> bool {
    let is_usual = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    name.bytes().all(is_usual) && name.starts_with(|first: char| first.is_ascii_lowercase())
}

/// A name, then perhaps labels with values that need no escape.
fn check_series(series: &str) -> Result<(), Problem> {
    let labels = match series.split_once('{') {
        None => "",
        Some((_, labels)) => labels
            .strip_suffix('}')
            .ok_or_else(|| Problem::new("labels without an end"))?,
    };
    let is_label = |label: &str| {
        let value = label.split_once("=\"").and_then(|(name, value)| {
            let value = value.strip_suffix('"')?;
            is_name(name).then_some(value)
        });
        value.is_some_and(|value| !value.is_empty() && !value.contains(['"', '\\', '\n']))
    };
    if is_name(name_of(series))
        && labels
            .split(',')
            .filter(|label| !label.is_empty())
            .all(is_label)
    {
        return Ok(());
    }
    Err(Problem::new("a name or a label that cannot be"))
}

#[cfg(test)]
mod tests;
