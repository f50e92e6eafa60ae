//! Several people's agents at work, and what they counted.
//!
//! Each person's agent is an emitter of its own, as on a machine of its own. What is counted is noted
//! where it is counted, so that answers can be held against it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use emitter::event::{ApiRequest, ToolResult};
use emitter::settings::Layers;
use emitter::trace::{Interaction, LlmRequest, ToolOutcome, ToolUse};
use emitter::{Agent, EditDecision, Session, Settings, Start, Telemetry};
use testkit::{Problem, Row, Server, Sql};

/// Sums by some labels' values.
pub(crate) type Sums = BTreeMap<Vec<String>, f64>;

/// What was counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Truth {
    /// By person, model and type of token.
    pub(crate) tokens: Sums,
    /// US dollars by person and model.
    pub(crate) cost: Sums,
    /// By person and metric: what is not of a request.
    pub(crate) deeds: Sums,
    /// Requests by person and model.
    pub(crate) requests: Sums,
    /// Spans by person and name.
    pub(crate) spans: Sums,
    /// All events.
    pub(crate) events: u64,
}

fn add(sums: &mut Sums, labels: &[&str], value: f64) {
    let labels = labels.iter().map(|label| (*label).to_owned()).collect();
    *sums.entry(labels).or_default() += value;
}

/// One person's agent.
pub(crate) struct Colleague {
    number: u64,
    pub(crate) email: &'static str,
    pub(crate) version: String,
    pub(crate) telemetry: Telemetry,
    found: Arc<Mutex<Vec<String>>>,
}

/// E-mail, protocol, temporality over OTLP.
const PEOPLE: [(&str, &str, &str); 3] = [
    ("ada@example.com", "http/protobuf", "delta"),
    ("grace@example.com", "grpc", "cumulative"),
    ("linus@example.com", "http/json", "delta"),
];

/// US dollars for a million tokens: input, output, read from the cache, written to it. List prices, which
/// the ledger believes.
const MODELS: [(&str, [f64; 4]); 3] = [
    ("claude-opus-5-5", [4.0, 20.0, 0.2, 5.0]),
    ("claude-haiku-5-5", [0.1, 0.5, 0.01, 0.125]),
    ("claude-sonnet-5-5", [2.0, 10.0, 0.1, 2.5]),
];

/// Everybody's agent, sending to this server and answering Prometheus at once.
pub(crate) fn colleagues(server: &Server) -> Result<Vec<Colleague>, Problem> {
    let begin = |(number, (email, protocol, temporality)): (usize, &(&'static str, &str, &str))| {
        let addresses = server.addresses();
        let address = match *protocol {
            "grpc" => &addresses.grpc,
            _ => &addresses.http,
        };
        let url = format!("http://{address}");
        let variables = [
            ("CLAUDE_CODE_ENABLE_TELEMETRY", "1"),
            ("CLAUDE_CODE_ENHANCED_TELEMETRY_BETA", "1"),
            ("OTEL_TRACES_EXPORTER", "otlp"),
            ("OTEL_LOGS_EXPORTER", "otlp"),
            ("OTEL_METRICS_EXPORTER", "otlp,prometheus"),
            ("OTEL_EXPORTER_PROMETHEUS_HOST", "127.0.0.1"),
            ("OTEL_EXPORTER_PROMETHEUS_PORT", "0"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &url),
            (
                "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
                temporality,
            ),
            ("OTEL_RESOURCE_ATTRIBUTES", "team.id=data%20science"),
            ("CLAUDE_CODE_USER_EMAIL", email),
        ];
        let (settings, findings) = Settings::read(Layers::of(variables));
        let found = Arc::new(Mutex::new(Vec::new()));
        let listened = Arc::clone(&found);
        let version = format!("1.0.{number}");
        let telemetry = Telemetry::builder(Agent::new("my-agent", &version), settings)
            .findings(findings)
            .on_finding(move |finding| listened.lock().expect("whole").push(finding.to_string()))
            .start();
        Colleague {
            number: number as u64,
            email,
            version,
            telemetry,
            found,
        }
    };
    Ok(PEOPLE.iter().enumerate().map(begin).collect())
}

impl Colleague {
    /// Works for a while: two sessions, each with some requests, tools and deeds. Notes what it counts.
    pub(crate) fn work(&self, phase: u64, truth: &mut Truth) {
        for start in [Start::Fresh, Start::Continue] {
            let session = self.telemetry.session(start);
            let seed = self.number * 7 + phase * 3 + u64::from(start == Start::Fresh);
            self.deed(truth, "claude_code.session.count", 1.0);
            let turn = session.interaction("Why?");
            self.span(truth, "interaction");
            truth.events += 1;
            for step in 0..5 + seed % 4 {
                let request = self.request(seed, step, &session);
                self.note(truth, &request);
                self.step(truth, &turn, request, step);
            }
            drop(turn);
            session.count_lines(seed, 2, MODELS[0].0);
            self.deed(truth, "claude_code.lines_of_code.count", (seed + 2) as f64);
            session.count_commit();
            self.deed(truth, "claude_code.commit.count", 1.0);
            session.count_edit_decision(EditDecision {
                decision: "accept".to_owned(),
                ..EditDecision::default()
            });
            self.deed(truth, "claude_code.code_edit_tool.decision", 1.0);
            session.count_user_time(Duration::from_millis(1_500));
            session.count_agent_time(Duration::from_millis(250 * seed));
            let seconds = 1.5 + 0.25 * seed as f64;
            self.deed(truth, "claude_code.active_time.total", seconds);
        }
    }

    /// A request to the model and the tool that it asks for, each with its span.
    fn step(&self, truth: &mut Truth, turn: &Interaction, request: ApiRequest, step: u64) {
        let call = turn.llm_request(LlmRequest {
            model: request.model.clone(),
            ..LlmRequest::default()
        });
        call.end((&request).into());
        turn.prompt().emit(request);
        let tool = turn.tool(ToolUse {
            tool_name: "Read".to_owned(),
            ..ToolUse::default()
        });
        tool.execution().end(ToolOutcome {
            success: true,
            ..ToolOutcome::default()
        });
        drop(tool);
        for name in ["llm_request", "tool", "tool.execution"] {
            self.span(truth, name);
        }
        turn.prompt().emit(ToolResult {
            tool_name: "Read".to_owned(),
            success: true,
            duration_ms: step,
            ..ToolResult::default()
        });
        truth.events += 1;
    }

    fn span(&self, truth: &mut Truth, name: &str) {
        let name = format!("claude_code.{name}");
        add(&mut truth.spans, &[self.email, &name], 1.0);
    }

    fn request(&self, seed: u64, step: u64, session: &Session) -> ApiRequest {
        // Not everybody uses all models.
        let models = MODELS.len() as u64 - self.number % 2;
        let (model, prices) = MODELS[((seed + step) % models) as usize];
        let tokens = [100 + seed * step, 7 * step, 1_000 * (seed % 3), 10 + step];
        let priced = tokens.iter().zip(prices);
        ApiRequest {
            model: model.to_owned(),
            input_tokens: tokens[0],
            output_tokens: tokens[1],
            cache_read_tokens: tokens[2],
            cache_creation_tokens: tokens[3],
            cost_usd: priced
                .map(|(tokens, price)| *tokens as f64 / 1e6 * price)
                .sum(),
            request_id: Some(format!("req_{}_{step}", session.id())),
            ..ApiRequest::default()
        }
    }

    fn note(&self, truth: &mut Truth, request: &ApiRequest) {
        let by_model = [self.email, request.model.as_str()];
        for (kind, tokens) in [
            ("input", request.input_tokens),
            ("output", request.output_tokens),
            ("cacheRead", request.cache_read_tokens),
            ("cacheCreation", request.cache_creation_tokens),
        ] {
            add(
                &mut truth.tokens,
                &[&by_model[..], &[kind]].concat(),
                tokens as f64,
            );
        }
        add(&mut truth.cost, &by_model, request.cost_usd);
        add(&mut truth.requests, &by_model, 1.0);
        truth.events += 1;
    }

    fn deed(&self, truth: &mut Truth, metric: &str, value: f64) {
        add(&mut truth.deeds, &[self.email, metric], value);
    }

    /// Everything that was found wrong; nothing must be.
    pub(crate) fn found(&self) -> Vec<String> {
        self.found.lock().expect("whole").clone()
    }
}

/// What the server answers: a sum by some columns.
pub(crate) async fn sums(
    sql: &Sql,
    labels: &[&str],
    value: &str,
    from: &str,
) -> Result<Sums, Problem> {
    let columns = labels.join(", ");
    let question = format!("SELECT {columns}, {value} AS found FROM {from} GROUP BY {columns}");
    let sum = |row: Row| {
        let text = |label: &&str| row[*label].as_str().unwrap_or_default().to_owned();
        let value = row["found"].as_f64().unwrap_or(f64::NAN);
        (labels.iter().map(text).collect(), value)
    };
    Ok(sql.rows(&question).await?.into_iter().map(sum).collect())
}

/// Fails unless both say the same, but for the last bits of a sum.
pub(crate) fn compare(what: &str, found: &Sums, expected: &Sums) -> Result<(), Problem> {
    let is_near = |labels: &Vec<String>, value: f64| {
        let other = expected.get(labels).copied().unwrap_or(f64::NAN);
        (value - other).abs() <= 1e-9 * other.abs().max(1.0)
    };
    let differs = found
        .iter()
        .find(|(labels, value)| !is_near(labels, **value));
    if let Some((labels, value)) = differs {
        let said = format!(
            "{what}: {labels:?} is {value}, not {:?}",
            expected.get(labels)
        );
        return Err(Problem::new(said));
    }
    match found.len() == expected.len() {
        true => Ok(()),
        false => Err(Problem::new(format!(
            "{what}: {found:?} instead of {expected:?}"
        ))),
    }
}
