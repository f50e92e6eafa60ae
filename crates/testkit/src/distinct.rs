//! A scenario as another client would have sent it: the same work under ids of its own.
//!
//! Ids are overwritten in place by others of the same length, so that bodies stay what they were in
//! every other byte, in both encodings.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use fleet::{ContentEncoding, Recorded, Scenario};
use serde_json::Value as Json;

use crate::plain_http::gzip;
use crate::{ItemCounts, Problem, Reading, Tally};

/// Attributes whose values name one thing in one run.
const IDS: &[&str] = &[
    "session.id",
    "prompt.id",
    "request_id",
    "client_request_id",
    "tool_use_id",
    "message.uuid",
];
/// The end of an id that is overwritten: four digits for the id, eight for the client.
const TAIL: usize = 12;

/// A scenario, ready to be sent by any number of clients.
pub struct Template {
    scenario: Scenario,
    /// Each id of the scenario, and its place in this list is its number.
    ids: Vec<String>,
    /// For each request: where the tail of which id is.
    places: Vec<Vec<(usize, usize)>>,
    reading: Reading,
    /// For each request: records by session; none for a repetition of an earlier request.
    records: Vec<Records>,
}

type Records = BTreeMap<Option<String>, u64>;

impl Template {
    /// Finds the ids of a scenario; `None` when some of its items carry no session, for then two
    /// clients could not be told apart.
    ///
    /// # Errors
    ///
    /// When a body cannot be read.
    pub fn of(scenario: Scenario) -> Result<Option<Template>, Problem> {
        let reading = Reading::of(&scenario.requests)?;
        if reading.records.contains_key(&None) {
            return Ok(None);
        }
        let mut ids = BTreeSet::new();
        for request in &scenario.requests {
            let json = match request.encoding {
                otlp::Encoding::Json => request.plain_body.clone(),
                otlp::Encoding::Protobuf => otlp::to_json(request.signal, &request.plain_body)?,
            };
            collect_ids(&serde_json::from_slice(&json)?, &mut ids);
        }
        let ids: Vec<String> = ids.into_iter().collect();
        let places = scenario
            .requests
            .iter()
            .map(|request| places(&request.plain_body, &ids));
        Ok(Some(Template {
            places: places.collect(),
            records: records(&scenario.requests)?,
            scenario,
            ids,
            reading,
        }))
    }

    /// The name of the scenario.
    pub fn name(&self) -> &str {
        &self.scenario.name
    }

    /// Items of the scenario, repetitions not counted.
    pub fn items(&self) -> ItemCounts {
        self.reading.items
    }

    /// How many values of `prompt.id` there are.
    pub fn prompts(&self) -> usize {
        self.reading.prompt_ids.len()
    }

    /// Log records and data points by session that request `index` of client `number` adds to those
    /// before it.
    pub fn records(&self, number: u32, index: usize) -> BTreeMap<String, u64> {
        let records = self.records[index].iter();
        let named = records.filter_map(|(session, count)| Some((session.as_ref()?, *count)));
        named
            .map(|(session, count)| (self.name_of(session, number), count))
            .collect()
    }

    /// The scenario as client `number` sends it.
    pub fn scenario(&self, number: u32) -> Scenario {
        let mut scenario = self.scenario.clone();
        for (request, places) in scenario.requests.iter_mut().zip(&self.places) {
            for (at, id) in places {
                request.plain_body[*at..*at + TAIL].copy_from_slice(tail(*id, number).as_bytes());
            }
            request.body = compressed(request);
        }
        scenario
    }

    /// What the events of client `number` come to.
    pub fn events(&self, number: u32) -> Tally {
        self.renamed(&self.reading.events, number)
    }

    /// What the metrics of client `number` come to.
    pub fn metrics(&self, number: u32) -> Tally {
        self.renamed(&self.reading.metrics, number)
    }

    fn renamed(&self, tally: &Tally, number: u32) -> Tally {
        let name = |session: &String| self.name_of(session, number);
        let renamed = tally
            .iter()
            .map(|(session, totals)| (session.as_ref().map(name), *totals));
        renamed.collect()
    }

    fn name_of(&self, session: &String, number: u32) -> String {
        let id = self
            .ids
            .iter()
            .position(|id| id == session)
            .unwrap_or_default();
        format!("{}{}", &session[..session.len() - TAIL], tail(id, number))
    }
}

fn records(requests: &[Recorded]) -> Result<Vec<Records>, Problem> {
    let mut seen = HashSet::new();
    let mut of = |request: &Recorded| {
        let is_new = seen.insert((request.signal.code(), request.plain_body.clone()));
        let reading = Reading::of(is_new.then_some(request))?;
        Ok(reading.records)
    };
    requests.iter().map(&mut of).collect()
}

fn tail(id: usize, number: u32) -> String {
    format!("{id:04x}{number:08x}")
}

/// The values of all attributes that are ids, wherever they stand.
fn collect_ids(json: &Json, ids: &mut BTreeSet<String>) {
    match json {
        Json::Array(elements) => elements
            .iter()
            .for_each(|element| collect_ids(element, ids)),
        Json::Object(object) => {
            let key = object.get("key").and_then(Json::as_str).unwrap_or_default();
            let value = json.pointer("/value/stringValue").and_then(Json::as_str);
            if IDS.contains(&key) {
                ids.extend(
                    value
                        .filter(|value| value.len() >= 2 * TAIL)
                        .map(str::to_owned),
                );
            }
            object.values().for_each(|value| collect_ids(value, ids));
        }
        _ => {}
    }
}

/// Where the tail of which id stands in a body.
fn places(body: &[u8], ids: &[String]) -> Vec<(usize, usize)> {
    let mut places = Vec::new();
    for (number, id) in ids.iter().enumerate() {
        let found = body.windows(id.len()).enumerate();
        let found = found.filter(|(_, window)| *window == id.as_bytes());
        places.extend(found.map(|(at, _)| (at + id.len() - TAIL, number)));
    }
    places
}

fn compressed(request: &Recorded) -> Vec<u8> {
    match request.content_encoding {
        ContentEncoding::Gzip => gzip(&request.plain_body),
        // Recordings are compressed by gzip or not at all.
        ContentEncoding::Identity | ContentEncoding::Zstd => request.plain_body.clone(),
    }
}
