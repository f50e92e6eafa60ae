//! What Prometheus scrapes from the emitter is what was counted, and what the server answers that the
//! same emitter sent to over OTLP.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use http::Method;
use testkit::{Problem, Server, exchange};

use crate::agents::{Colleague, Sums, Truth, colleagues, compare, sums};
use crate::promql::Prometheus;
use crate::{launch, program};

#[tokio::test(flavor = "multi_thread")]
async fn promql_answers_what_was_counted_and_what_the_server_answers() -> Result<(), Problem> {
    let server = launch().start()?;
    let people = colleagues(&server)?;
    let targets: Vec<String> = people
        .iter()
        .filter_map(|person| person.telemetry.scrape_address())
        .map(|address| address.to_string())
        .collect();
    assert_eq!(targets.len(), people.len());
    let prometheus = Prometheus::start(&program("PROMETHEUS", "prometheus")?, &targets)?;
    let mut truth = Truth::default();
    let mut history = Vec::new();
    for phase in 0..2 {
        for person in &people {
            person.work(phase, &mut truth);
        }
        let at = prometheus.scraped_all(targets.len()).await?;
        check_promql(&format!("phase {phase}"), &prometheus, &truth, None).await?;
        let people = &people;
        tokio::task::block_in_place(|| flush(people));
        check_server(&format!("phase {phase}"), &server, &truth).await?;
        history.push((at, truth.clone()));
    }
    for (at, truth) in &history {
        check_promql(&format!("at {at}"), &prometheus, truth, Some(*at)).await?;
    }
    check_resource(&prometheus, &people).await?;
    for target in &targets {
        check_metrics(target).await?;
    }
    for person in people {
        assert_eq!(person.found(), Vec::<String>::new(), "{}", person.email);
        let counts = tokio::task::block_in_place(|| person.telemetry.shutdown());
        assert_eq!(counts.points.recorded, counts.points.sent, "{counts:?}");
    }
    server.sql().settled_ledger().await?;
    Ok(())
}

fn flush(people: &[Colleague]) {
    for person in people {
        assert!(person.telemetry.flush(), "{}", person.email);
    }
}

async fn check_promql(
    when: &str,
    prometheus: &Prometheus,
    truth: &Truth,
    at: Option<f64>,
) -> Result<(), Problem> {
    let tokens = "sum by (user_email, model, type) (claude_code_token_usage_total)";
    let found = prometheus
        .ask(tokens, &["user_email", "model", "type"], at)
        .await?;
    compare(&format!("PromQL, {when}, tokens"), &found, &truth.tokens)?;
    let cost = "sum by (user_email, model) (claude_code_cost_usage_total)";
    let found = prometheus.ask(cost, &["user_email", "model"], at).await?;
    compare(&format!("PromQL, {when}, cost"), &found, &truth.cost)?;
    let mut deeds = Sums::new();
    for metric in metrics(truth) {
        let series = format!("{}_total", metric.replace('.', "_"));
        let question = format!("sum by (user_email) ({series})");
        let found = prometheus.ask(&question, &["user_email"], at).await?;
        let named = |(mut labels, value): (Vec<String>, f64)| {
            labels.push(metric.clone());
            (labels, value)
        };
        deeds.extend(found.into_iter().map(named));
    }
    compare(&format!("PromQL, {when}, deeds"), &deeds, &truth.deeds)
}

/// The names of the metrics that are not of requests.
fn metrics(truth: &Truth) -> Vec<String> {
    let names = truth.deeds.keys().map(|labels| (labels[1].clone(), ()));
    names.collect::<BTreeMap<_, _>>().into_keys().collect()
}

/// What the server answers, from metrics and from events.
async fn check_server(when: &str, server: &Server, truth: &Truth) -> Result<(), Problem> {
    let sql = server.sql();
    let of_requests = ["claude_code.token.usage", "claude_code.cost.usage"];
    let [tokens, cost] = of_requests.map(|name| format!("metrics WHERE name = '{name}'"));
    let deeds = format!("metrics WHERE name NOT IN ('{}')", of_requests.join("', '"));
    let kinds = [
        ("input", "input_tokens"),
        ("output", "output_tokens"),
        ("cacheRead", "cache_read_tokens"),
        ("cacheCreation", "cache_creation_tokens"),
    ];
    let kinds = kinds.map(|(kind, column)| {
        format!("SELECT person, model, '{kind}' AS type, {column} AS tokens FROM api_requests")
    });
    let of_events = format!("({})", kinds.join(" UNION ALL "));
    let (by_type, by_model) = (["user_email", "model", "type"], ["user_email", "model"]);
    let (person_and_type, person_and_model) = (["person", "model", "type"], ["person", "model"]);
    for (what, labels, value, from, expected) in [
        (
            "tokens of metrics",
            &by_type[..],
            "sum(value)",
            tokens.as_str(),
            &truth.tokens,
        ),
        (
            "cost of metrics",
            &by_model,
            "sum(value)",
            &cost,
            &truth.cost,
        ),
        (
            "deeds",
            &["user_email", "name"],
            "sum(value)",
            &deeds,
            &truth.deeds,
        ),
        (
            "tokens of events",
            &person_and_type,
            "sum(tokens)",
            &of_events,
            &truth.tokens,
        ),
        (
            "cost of events",
            &person_and_model,
            "sum(cost_usd)",
            "api_requests",
            &truth.cost,
        ),
        (
            "requests",
            &person_and_model,
            "count(*)",
            "api_requests",
            &truth.requests,
        ),
    ] {
        let found = sums(&sql, labels, value, from).await?;
        compare(&format!("the server, {when}, {what}"), &found, expected)?;
    }
    let events = sql.count("SELECT count(*) FROM events").await?;
    assert_eq!(events, truth.events, "{when}");
    Ok(())
}

/// What is on the resource alone is found by way of `target_info`.
async fn check_resource(prometheus: &Prometheus, people: &[Colleague]) -> Result<(), Problem> {
    let question = "sum by (user_email, service_version, service_name, team_id) (
        claude_code_session_count_total * on (instance) group_left (service_version, service_name) target_info)";
    let labels = ["user_email", "service_version", "service_name", "team_id"];
    let found = prometheus.ask(question, &labels, None).await?;
    let expected = people.iter().map(|person| {
        let labels = [person.email, &person.version, "my-agent", "data science"];
        (labels.map(str::to_owned).to_vec(), 4.0)
    });
    compare("target_info", &found, &expected.collect())
}

/// Prometheus' own checker has nothing to say of what is scraped.
async fn check_metrics(target: &str) -> Result<(), Problem> {
    let shown = exchange(Method::GET, &format!("http://{target}/metrics"), &[], "").await?;
    let mut child = Command::new(program("PROMTOOL", "prometheus")?)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    // Taken, so that its end closes it.
    if let Some(mut input) = child.stdin.take() {
        input.write_all(&shown.body)?;
    }
    let said = child.wait_with_output()?;
    assert!(said.status.success(), "{said:?}");
    Ok(())
}
