//! The truth against what the records themselves add up to.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use contract::{LogRecord, PointValue};

use super::{END_MS, config, number, text};
use crate::organisation::calendar::DAY_MS;
use crate::organisation::{
    ClientVersion, Config, Export, Organisation, Surface, Tokens, ToolTruth, Truth,
};

/// What the records themselves add up to.
#[derive(Default)]
struct Recount {
    events: BTreeMap<String, u64>,
    cost: BTreeMap<(String, String, String), f64>,
    tokens: [u64; 4],
    sessions: HashSet<String>,
    by_prompt: HashMap<String, u64>,
    tools: BTreeMap<String, ToolTruth>,
    people: BTreeMap<String, BTreeSet<String>>,
    points: u64,
    metric_cost: f64,
}

impl Recount {
    fn add(&mut self, record: &LogRecord<'_>) {
        let name = text(record, "event.name").expect("every record has a name");
        let time = text(record, "event.timestamp").expect("every record has a time");
        let (email, day) = (
            text(record, "user.email").expect("an address"),
            time[..10].to_owned(),
        );
        self.people
            .entry(day.clone())
            .or_default()
            .insert(email.clone());
        self.sessions
            .insert(text(record, "session.id").expect("a session"));
        if let Some(prompt) = text(record, "prompt.id") {
            *self.by_prompt.entry(prompt).or_default() += 1;
        }
        let tool = || text(record, "tool_name").expect("a tool");
        match name.as_str() {
            "api_request" => {
                let model = text(record, "model").expect("a model");
                *self.cost.entry((email, day, model)).or_default() += number(record, "cost_usd");
                for (index, kind) in ["input", "output", "cache_read", "cache_creation"]
                    .iter()
                    .enumerate()
                {
                    self.tokens[index] += number(record, &format!("{kind}_tokens")) as u64;
                }
            }
            "tool_decision" if text(record, "decision").as_deref() == Some("reject") => {
                self.tools.entry(tool()).or_default().rejections += 1;
            }
            "tool_result" => {
                let tool = self.tools.entry(tool()).or_default();
                tool.calls += 1;
                tool.failures += u64::from(text(record, "success").as_deref() == Some("false"));
                tool.durations_ms.push(number(record, "duration_ms") as u32);
            }
            _ => {}
        }
        *self.events.entry(name).or_default() += 1;
    }

    fn add_points(&mut self, export: &Export) {
        for (_, metrics) in export.metric_groups() {
            for (metric, points) in metrics {
                for point in points {
                    self.points += 1;
                    let PointValue::Double(value) = point.value else {
                        panic!("{point:?}")
                    };
                    if metric.name == "claude_code.cost.usage" {
                        self.metric_cost += value;
                    }
                }
            }
        }
    }

    fn compare(&self, truth: &Truth) {
        let near =
            |left: f64, right: f64| assert!((left - right).abs() < 1e-9, "{left} is not {right}");
        let count = |name: &str| self.events.get(name).copied().unwrap_or(0);
        assert!(truth.events > 10_000, "{}", truth.events);
        assert_eq!(truth.events, self.events.values().sum::<u64>());
        assert_eq!(
            truth
                .events_by_name
                .iter()
                .map(|(name, count)| ((*name).to_owned(), *count))
                .collect::<BTreeMap<_, _>>(),
            self.events
        );
        assert_eq!(truth.requests, count("api_request"));
        assert_eq!(truth.api_errors, count("api_error"));
        assert_eq!(truth.prompts, count("user_prompt"));
        assert_eq!(truth.sessions, self.sessions.len() as u64);
        let Tokens {
            input,
            output,
            cache_read,
            cache_creation,
        } = truth.tokens;
        assert_eq!([input, output, cache_read, cache_creation], self.tokens);
        let rows = truth.cost_rows();
        assert_eq!(rows.len(), self.cost.len());
        for row in rows {
            near(
                row.cost_usd,
                self.cost[&(row.person, row.day, row.model.to_owned())],
            );
        }
        near(truth.total_cost_usd, self.cost.values().sum());
        assert_eq!(truth.people_by_day, self.people);
        assert!(
            truth.sample_prompts.len() > 3,
            "{}",
            truth.sample_prompts.len()
        );
        for (prompt, events) in &truth.sample_prompts {
            assert_eq!(*events, self.by_prompt[prompt]);
        }
        let tools: BTreeMap<String, ToolTruth> = truth
            .tools
            .iter()
            .map(|(name, tool)| ((*name).to_owned(), tool.clone()))
            .collect();
        assert_eq!(tools, self.tools);
        assert_eq!(truth.data_points, self.points);
    }
}

fn check_truth(config: Config) {
    let mut organisation = Organisation::new(config);
    let mut recount = Recount::default();
    let mut last_ms = 0;
    let mut code_cost = 0.0;
    while let Some(export) = organisation.next() {
        assert!(
            export.at_ms >= last_ms && export.at_ms <= END_MS,
            "exports are in time order"
        );
        last_ms = export.at_ms;
        recount.add_points(&export);
        let is_code = organisation.people()[export.person].surface == Surface::Code;
        for (_, records) in export.log_groups() {
            assert!(!records.is_empty() && records.len() <= 512);
            for record in &records {
                assert!(record.time_unix_nano <= export.at_ms * 1_000_000);
                assert!(record.time_unix_nano >= (END_MS - 7 * DAY_MS) * 1_000_000);
                if is_code && text(record, "event.name").as_deref() == Some("api_request") {
                    code_cost += number(record, "cost_usd");
                }
                recount.add(record);
            }
        }
    }
    recount.compare(organisation.truth());
    // The metrics of a session that the end cuts off hold all it had: they are sent at the end too.
    assert!(
        (recount.metric_cost - code_cost).abs() < 1e-6,
        "{} {code_cost}",
        recount.metric_cost
    );
}

#[test]
fn the_truth_is_what_the_records_add_up_to() {
    check_truth(config(ClientVersion::V2_1_329, true));
    check_truth(config(ClientVersion::V2_1_329, false));
    check_truth(config(ClientVersion::V2_1_45, false));
}
