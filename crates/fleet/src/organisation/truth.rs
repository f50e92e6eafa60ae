//! What is true of everything that was generated, counted as it leaves.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Serialize, Serializer};

use super::calendar::DAY_MS;
use super::event::{Event, Fact, Request};
use super::variety::Run;
use super::{Export, Items};

/// The four token counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tokens {
    /// Input tokens beside the cache.
    pub input: u64,
    /// Output tokens.
    pub output: u64,
    /// Tokens read from the prompt cache.
    pub cache_read: u64,
    /// Tokens written to the prompt cache.
    pub cache_creation: u64,
}

/// What is true of one tool, by the name that events carry.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ToolTruth {
    /// Results, of both kinds.
    pub calls: u64,
    /// Results that say that the call failed.
    pub failures: u64,
    /// Decisions against a call.
    pub rejections: u64,
    /// How long each call took, in the order of the results. As JSON: quantiles.
    #[serde(rename = "duration_ms", serialize_with = "quantiles")]
    pub durations_ms: Vec<u32>,
}

/// What one person spent on one model on one day (UTC).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CostRow {
    /// E-mail address, or the installation id of who has no account.
    pub person: String,
    /// `2026-11-21`.
    pub day: String,
    /// The model as events name it.
    pub model: &'static str,
    /// US dollars.
    pub cost_usd: f64,
    /// Requests behind the cost.
    pub requests: u64,
}

/// What is true of all events so far.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Truth {
    /// Export requests of single clients.
    pub exports: u64,
    /// Log records.
    pub events: u64,
    /// Log records by event name.
    pub events_by_name: BTreeMap<&'static str, u64>,
    /// Metric data points.
    pub data_points: u64,
    /// Sum of `api_request.cost_usd`.
    pub total_cost_usd: f64,
    /// Token sums of the `api_request` events.
    pub tokens: Tokens,
    /// `api_request` events.
    pub requests: u64,
    /// `api_error` events.
    pub api_errors: u64,
    /// `user_prompt` events.
    pub prompts: u64,
    /// Sessions that sent at least one event.
    pub sessions: u64,
    /// Tools by name.
    pub tools: BTreeMap<&'static str, ToolTruth>,
    /// Who sent an event on each day (UTC): e-mail address, or installation id without an account.
    pub people_by_day: BTreeMap<String, BTreeSet<String>>,
    /// How many events each of the sample prompts caused, by prompt id.
    pub sample_prompts: BTreeMap<String, u64>,
    /// Milliseconds since the Unix epoch of the earliest event; 0 before there is one.
    pub first_event_ms: u64,
    /// Milliseconds since the Unix epoch of the latest event.
    pub last_event_ms: u64,
    #[serde(skip)]
    people: Vec<String>,
    /// By person, day since the epoch, and model: cost and requests.
    #[serde(skip)]
    costs: BTreeMap<(usize, u64, &'static str), (f64, u64)>,
    /// The day on which each person was last counted.
    #[serde(skip)]
    last_day: Vec<Option<u64>>,
}

impl Truth {
    pub(super) fn new(people: Vec<String>) -> Truth {
        Truth {
            last_day: vec![None; people.len()],
            people,
            ..Truth::default()
        }
    }

    /// Cost by person, day and model.
    pub fn cost_rows(&self) -> Vec<CostRow> {
        let row =
            |(&(person, day, model), &(cost_usd, requests)): (&(usize, u64, _), &_)| CostRow {
                person: self.people[person].clone(),
                day: day_name(day),
                model,
                cost_usd,
                requests,
            };
        self.costs.iter().map(row).collect()
    }

    /// Everything as JSON, cost rows included; durations as quantiles.
    pub fn to_json(&self) -> serde_json::Value {
        // Maps with text keys and finite numbers: nothing that JSON could refuse.
        let mut json = serde_json::to_value(self).unwrap_or_default();
        json["cost_by_person_day_model"] =
            serde_json::to_value(self.cost_rows()).unwrap_or_default();
        json
    }

    pub(super) fn observe(&mut self, export: &Export) {
        self.exports += 1;
        match &export.items {
            Items::Points(points) => self.data_points += points.len() as u64,
            Items::Events(events) => events
                .iter()
                .for_each(|event| self.count(event, &export.head.run)),
        }
    }

    fn count(&mut self, event: &Event, run: &Run) {
        if self.events == 0 || event.at_ms < self.first_event_ms {
            self.first_event_ms = event.at_ms;
        }
        self.last_event_ms = self.last_event_ms.max(event.at_ms);
        self.events += 1;
        *self.events_by_name.entry(event.name()).or_default() += 1;
        self.sessions += u64::from(event.sequence == 0 && run.number == 0);
        if let Some(prompt) = &event.prompt
            && prompt.is_sample
        {
            *self.sample_prompts.entry(prompt.id.clone()).or_default() += 1;
        }
        let day = event.at_ms / DAY_MS;
        self.count_day(run.person, day);
        match &event.fact {
            Fact::Prompt => self.prompts += 1,
            Fact::Request(request) => self.count_request(request, run.person, day),
            Fact::ApiError => self.api_errors += 1,
            Fact::Decision { tool, accepted, .. } => {
                self.tools.entry(tool).or_default().rejections += u64::from(!accepted);
            }
            Fact::Result {
                tool,
                succeeded,
                duration_ms,
                ..
            } => {
                let tool = self.tools.entry(tool).or_default();
                tool.calls += 1;
                tool.failures += u64::from(!succeeded);
                tool.durations_ms
                    .push(u32::try_from(*duration_ms).unwrap_or(u32::MAX));
            }
            Fact::Other => {}
        }
    }

    fn count_request(&mut self, request: &Request, person: usize, day: u64) {
        self.requests += 1;
        self.total_cost_usd += request.cost_usd;
        self.tokens.input += request.usage.input;
        self.tokens.output += request.usage.output;
        self.tokens.cache_read += request.usage.cache_read;
        self.tokens.cache_creation += request.usage.cache_creation();
        let cost = self
            .costs
            .entry((person, day, request.model.name))
            .or_default();
        cost.0 += request.cost_usd;
        cost.1 += 1;
    }

    fn count_day(&mut self, person: usize, day: u64) {
        if self.last_day[person] != Some(day) {
            self.last_day[person] = Some(day);
            let people = self.people_by_day.entry(day_name(day)).or_default();
            people.insert(self.people[person].clone());
        }
    }
}

impl ToolTruth {
    /// The duration that `share` of the calls did not exceed (nearest rank), 0 without calls.
    pub fn quantile_ms(&self, share: f64) -> u32 {
        let mut sorted = self.durations_ms.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() as f64 * share).ceil() as usize;
        sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0)
    }
}

/// `2026-11-21` for a count of days since the epoch.
pub fn day_name(day: u64) -> String {
    let text = contract::iso_millis(day * DAY_MS).unwrap_or([b'?'; 24]);
    text[..10].iter().copied().map(char::from).collect()
}

fn quantiles<S: Serializer>(durations_ms: &[u32], serializer: S) -> Result<S::Ok, S::Error> {
    let tool = ToolTruth {
        durations_ms: durations_ms.to_vec(),
        ..ToolTruth::default()
    };
    let named = [("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0)];
    serializer.collect_map(named.map(|(name, share)| (name, tool.quantile_ms(share))))
}
