//! Spans by variables: the beta switches, the trace that a program was started within, and what may be
//! handed on.
//!
//! Source: the vendor's documentation of traces.

use url::Url;

use super::Settings;
use super::export::{self, Exporter, LOGS, SignalExport, TRACES};
use super::reading::{Reading, switched};
use crate::content::Content;
use crate::trace::TraceContext;

const BETA: &str = "CLAUDE_CODE_ENHANCED_TELEMETRY_BETA";
const BETA_ALIAS: &str = "ENABLE_ENHANCED_TELEMETRY_BETA";
const DETAILED: &str = "ENABLE_BETA_TRACING_DETAILED";
const DETAILED_ENDPOINT: &str = "BETA_TRACING_ENDPOINT";
const EXPORTERS: &str = "OTEL_TRACES_EXPORTER";
/// An agent that somebody sits in front of.
const INTERACTIVE: &str = "cli";

/// How spans are made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tracing {
    /// With spans of hooks, and attributes that only detailed tracing has.
    pub is_detailed: bool,
    /// Whether `traceparent` is handed on also where the model is reached by way of another address.
    pub propagates: bool,
    /// The span that the program was started within: turns and events belong to it.
    pub parent: Option<TraceContext>,
    /// How long any text attribute of a span may be, in UTF-16 units, where there is such a limit.
    pub value_length_max: Option<usize>,
}

impl Tracing {
    /// What content may leave in spans.
    pub(crate) fn content(&self, content: &Content) -> Content {
        Content {
            value_length_max: self.value_length_max,
            ..content.clone()
        }
    }
}

/// Reads how spans are made and where they go; detailed tracing has a receiver of its own, for events
/// too.
pub(super) fn read(reading: &mut Reading, settings: &mut Settings) {
    let is_wanted = reading.switch(DETAILED, false);
    let endpoint = detailed_endpoint(reading, is_wanted);
    let is_detailed = endpoint.is_some();
    let is_on = reading.switch(BETA, false) || reading.switch(BETA_ALIAS, false);
    let standard = settings.traces.clone();
    if let Some(url) = endpoint {
        settings.traces = SignalExport {
            interval: reading.millis(TRACES.interval).unwrap_or(standard.interval),
            ..detailed(reading, &TRACES, &url, standard)
        };
        settings.logs = detailed(reading, &LOGS, &url, settings.logs.clone());
    } else if is_on {
        settings.traces = export::read(reading, &TRACES, standard);
        if reading.text(EXPORTERS).is_none() {
            let message = format!("has no effect without {EXPORTERS}: write otlp or console");
            reading.warning(BETA, message);
        }
    } else if reading.text(EXPORTERS).is_some_and(|word| word != "none") {
        let message = format!("asks for spans, which are sent only with {BETA}=1");
        reading.warning(EXPORTERS, message);
    }
    const CONTENT: &str = "OTEL_LOG_TOOL_CONTENT";
    let shows_tools = reading.text(CONTENT).and_then(|word| switched(&word));
    if settings.traces.exporters.is_empty() && shows_tools == Some(true) {
        reading.warning(
            CONTENT,
            "shows content in spans only, and no spans are sent",
        );
    }
    settings.tracing = Tracing {
        is_detailed: is_detailed && settings.traces.endpoint.is_some(),
        propagates: reading.switch("CLAUDE_CODE_PROPAGATE_TRACEPARENT", false),
        parent: parent(reading),
        value_length_max: value_length(reading),
    };
}

/// The receiver of detailed tracing, which is on with both variables alone.
fn detailed_endpoint(reading: &mut Reading, is_wanted: bool) -> Option<Url> {
    const GENERAL: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
    let endpoint = reading.text(DETAILED_ENDPOINT);
    match (is_wanted, endpoint) {
        (true, None) => {
            let message = format!("has no effect without {DETAILED_ENDPOINT}=http://HOST:PORT");
            reading.warning(DETAILED, message);
            None
        }
        (false, Some(_)) if reading.is_managed(DETAILED) => {
            let message = format!("is left out: the administrator has turned {DETAILED} off");
            reading.warning(DETAILED_ENDPOINT, message);
            None
        }
        (false, Some(_)) => {
            let message = format!("has no effect without {DETAILED}=1");
            reading.warning(DETAILED_ENDPOINT, message);
            None
        }
        (true, Some(_))
            if reading.is_managed(GENERAL) && !reading.is_managed(DETAILED_ENDPOINT) =>
        {
            let message = format!("is left out: the administrator has set {GENERAL}");
            reading.warning(DETAILED_ENDPOINT, message);
            None
        }
        (_, endpoint) => export::parse_url(reading, DETAILED_ENDPOINT, &endpoint?),
    }
}

/// A signal on its way to the receiver of detailed tracing, over http/json.
fn detailed(
    reading: &mut Reading,
    names: &export::Names,
    url: &Url,
    standard: SignalExport,
) -> SignalExport {
    let endpoint = export::endpoint_at(reading, names, url.clone());
    let others = standard.exporters.iter().copied();
    let mut exporters: Vec<Exporter> = others.filter(|it| *it != Exporter::Otlp).collect();
    if endpoint.is_some() {
        exporters.push(Exporter::Otlp);
    }
    SignalExport {
        exporters,
        endpoint,
        ..standard
    }
}

/// The span around the program. A shell that somebody works in may have one that is long over.
fn parent(reading: &mut Reading) -> Option<TraceContext> {
    const NAME: &str = "TRACEPARENT";
    let text = reading.text(NAME)?;
    if reading.text("CLAUDE_CODE_ENTRYPOINT").as_deref() == Some(INTERACTIVE) {
        return None;
    }
    let state = reading.text("TRACESTATE");
    let parent = TraceContext::parse(&text, state.as_deref());
    if parent.is_none() {
        let message =
            "is not of the form 00-TRACE-SPAN-FLAGS of W3C Trace Context; it is left alone";
        reading.warning(NAME, message);
    }
    parent
}

fn value_length(reading: &mut Reading) -> Option<usize> {
    let names = [
        "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    ];
    let limit = names.into_iter().find_map(|name| reading.whole(name));
    limit.map(|limit| limit as usize)
}

#[cfg(test)]
mod tests;
