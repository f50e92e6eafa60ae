//! What to paste where, for each client: the one source of these texts for the UI, the API and
//! `tallybook connect`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::Api;
use crate::fault::Fault;
use crate::input::{Id, Params};

/// Where the token goes in a text.
pub const TOKEN: &str = "<TOKEN>";

/// A client that can be connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// Claude Cowork, by its organisation's admin settings.
    Cowork,
    /// Claude Code, by managed settings or the environment.
    ClaudeCode,
    /// The Claude desktop app, by managed keys.
    Desktop,
}

impl Client {
    /// All of them.
    pub const ALL: [Client; 3] = [Client::Cowork, Client::ClaudeCode, Client::Desktop];

    /// The name in paths and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Client::Cowork => "cowork",
            Client::ClaudeCode => "claude-code",
            Client::Desktop => "desktop",
        }
    }

    /// The client of that name.
    pub fn find(name: &str) -> Option<Client> {
        Client::ALL.into_iter().find(|client| client.name() == name)
    }
}

/// What to paste where.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Guide {
    /// The client: `cowork`, `claude-code`, `desktop`.
    pub client: &'static str,
    /// What it is called.
    pub title: &'static str,
    /// Where it is set up.
    pub place: &'static str,
    /// What to paste, in order. Where the token goes there is `<TOKEN>`.
    pub steps: Vec<Step>,
    /// What else to know.
    pub notes: Vec<String>,
}

/// One text to paste.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Step {
    /// The field, file or place that it goes to.
    pub label: &'static str,
    /// The text.
    pub text: String,
}

fn step(label: &'static str, text: impl Into<String>) -> Step {
    Step {
        label,
        text: text.into(),
    }
}

/// The guide for a client that sends to `endpoint`, the address of OTLP/HTTP; without a token where
/// intake is open.
pub fn guide(client: Client, endpoint: &str, with_token: bool) -> Guide {
    let endpoint = endpoint.trim_end_matches('/');
    let (title, place, mut steps, mut notes) = match client {
        Client::Cowork => cowork(endpoint, with_token),
        Client::ClaudeCode => claude_code(endpoint, with_token),
        Client::Desktop => desktop(endpoint, with_token),
    };
    steps.push(step("Test from a shell", curl(endpoint, with_token)));
    if is_loopback(endpoint) {
        notes.push(format!(
            "{endpoint} is reached from this machine only: put an address in its place that the clients reach."
        ));
    }
    Guide {
        client: client.name(),
        title,
        place,
        steps,
        notes,
    }
}

type Parts = (&'static str, &'static str, Vec<Step>, Vec<String>);

fn cowork(endpoint: &str, with_token: bool) -> Parts {
    let headers = match with_token {
        true => format!("Authorization=Bearer {TOKEN}"),
        false => String::new(),
    };
    let steps = vec![
        step("OTLP endpoint", endpoint),
        step("OTLP protocol", "http/protobuf"),
        step("OTLP headers", headers),
    ];
    let notes = [
        "Cowork reads these fields when a session starts: start a new one.",
        "Some versions drop telemetry silently unless the host of the endpoint is on the organisation's egress allow-list; newer ones add it by themselves. Put it there if nothing arrives.",
        "By default Cowork sends prompts, answers and details of tools.",
    ];
    (
        "Claude Cowork",
        "claude.ai, Admin settings > Cowork (in newer versions: Data and privacy > Monitoring); an owner of the organisation",
        steps,
        notes.map(str::to_owned).to_vec(),
    )
}

fn claude_code(endpoint: &str, with_token: bool) -> Parts {
    let mut pairs = vec![
        ("CLAUDE_CODE_ENABLE_TELEMETRY", "1".to_owned()),
        ("OTEL_METRICS_EXPORTER", "otlp".to_owned()),
        ("OTEL_LOGS_EXPORTER", "otlp".to_owned()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf".to_owned()),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.to_owned()),
    ];
    if with_token {
        pairs.push((
            "OTEL_EXPORTER_OTLP_HEADERS",
            format!("Authorization=Bearer {TOKEN}"),
        ));
    }
    let quoted = |(key, value): &(&str, String)| format!("    \"{key}\": \"{value}\"");
    let json: Vec<String> = pairs.iter().map(quoted).collect();
    let shell = |(key, value): &(&str, String)| match value.contains(' ') {
        true => format!("export {key}='{value}'"),
        false => format!("export {key}={value}"),
    };
    let shell: Vec<String> = pairs.iter().map(shell).collect();
    let steps = vec![
        step(
            "Managed settings (managed-settings.json)",
            format!("{{\n  \"env\": {{\n{}\n  }}\n}}", json.join(",\n")),
        ),
        step("Or the shell that starts it", shell.join("\n")),
    ];
    let notes = [
        "Claude Code reads its settings when it starts: start it again.",
        "Prompts and tool inputs stay on the client unless OTEL_LOG_USER_PROMPTS=1 and OTEL_LOG_TOOL_DETAILS=1 are set as well.",
    ];
    (
        "Claude Code",
        "managed settings for everybody, or the environment of one",
        steps,
        notes.map(str::to_owned).to_vec(),
    )
}

fn desktop(endpoint: &str, with_token: bool) -> Parts {
    let mut lines = vec![
        format!("  \"otlpEndpoint\": \"{endpoint}\""),
        "  \"otlpProtocol\": \"http/protobuf\"".to_owned(),
    ];
    if with_token {
        lines.push(format!(
            "  \"otlpHeaders\": {{ \"Authorization\": \"Bearer {TOKEN}\" }}"
        ));
    }
    let steps = vec![step(
        "Managed keys",
        format!("{{\n{}\n}}", lines.join(",\n")),
    )];
    let notes = [
        "The app adds /v1/logs, /v1/metrics and /v1/traces to the endpoint by itself.",
        "otlpHeaders is an object: versions after 2026-10-07 refuse a text.",
        "What is captured is set by otlpContentCapture; [] keeps prompts, answers and details of tools on the client.",
    ];
    (
        "Claude Desktop",
        "the managed configuration of the app (MDM)",
        steps,
        notes.map(str::to_owned).to_vec(),
    )
}

/// An empty export request: it is answered `{}` where everything is right, and stores nothing.
fn curl(endpoint: &str, with_token: bool) -> String {
    let header = match with_token {
        true => format!(" \\\n  -H 'Authorization: Bearer {TOKEN}'"),
        false => String::new(),
    };
    format!(
        "curl -sS {endpoint}/v1/logs \\\n  -H 'Content-Type: application/json'{header} \\\n  -d '{{}}'"
    )
}

fn is_loopback(endpoint: &str) -> bool {
    let url = url::Url::parse(endpoint).ok();
    let host = url.as_ref().and_then(url::Url::host);
    host.is_some_and(|host| match host {
        url::Host::Domain(name) => name == "localhost",
        url::Host::Ipv4(address) => address.is_loopback(),
        url::Host::Ipv6(address) => address.is_loopback(),
    })
}

/// How the guide is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// The address of OTLP/HTTP as the clients reach it [default: where this server listens]
    endpoint: Option<String>,
    /// Whether a token is sent [default: true]
    token: Option<bool>,
}

/// What to paste where to connect a client: `cowork`, `claude-code` or `desktop`.
#[utoipa::path(get, path = "/api/v1/connect/{client}", tag = "intake", params(("client" = String, Path), Wanted),
    responses((status = 200, body = Guide), (status = 404, body = crate::fault::ErrorBody)))]
pub(crate) async fn connect(
    State(api): State<Arc<Api>>,
    Id(client): Id,
    Params(wanted): Params<Wanted>,
) -> Result<Json<Guide>, Fault> {
    let Some(client) = Client::find(&client) else {
        let hint = Some("cowork, claude-code, desktop");
        return Err(Fault::new(
            StatusCode::NOT_FOUND,
            "there is no guide for this client",
            hint,
        ));
    };
    let endpoint = wanted
        .endpoint
        .unwrap_or_else(|| format!("{}://{}", api.about.scheme(), api.about.http));
    let is_url =
        url::Url::parse(&endpoint).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if !is_url || endpoint.contains(['\'', '"', '\\', ' ']) {
        let hint = Some("write it as in http://tally.example.com:4318");
        return Err(Fault::new(
            StatusCode::BAD_REQUEST,
            "the endpoint is no http address",
            hint,
        ));
    }
    Ok(Json(guide(client, &endpoint, wanted.token.unwrap_or(true))))
}
