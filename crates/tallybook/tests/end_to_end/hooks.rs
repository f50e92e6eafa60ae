//! The guide's recipes for hooks and scripts, run as they stand there.
//!
//! Recipes and the JSON of the hooks are cut out of `docs/emitter.md`: what is tested is what is read.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use testkit::{Problem, Server};

use crate::stage::launch;

/// The blocks of a language in a part of the guide.
fn blocks(part: &str, language: &str) -> Result<Vec<String>, Problem> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let guide = fs::read_to_string(root.join("docs/emitter.md"))?;
    let heading = format!("\n{part}\n");
    let (_, rest) = guide
        .split_once(&heading)
        .ok_or_else(|| Problem::new(format!("docs/emitter.md has no part `{part}`")))?;
    let fence = format!("```{language}\n");
    // To the next part of the same level; a recipe's own comments begin with one #.
    let level = part.split(' ').next().unwrap_or_default();
    let text = rest
        .split(&format!("\n{level} "))
        .next()
        .unwrap_or_default();
    let blocks = text.split(&fence).skip(1);
    let block = |block: &str| block.split("```").next().unwrap_or_default().to_owned();
    Ok(blocks.map(block).collect())
}

/// Runs a script in an agent's environment and no other.
fn run(script: &str, input: &str, variables: &[(&str, &str)]) -> Result<Output, Problem> {
    let home = tempfile::tempdir()?;
    let path = home.path().join("script");
    fs::write(&path, script)?;
    let binary = Path::new(env!("CARGO_BIN_EXE_tallybook"));
    let folder = binary.parent().unwrap_or(binary).display();
    let system = std::env::var("PATH").unwrap_or_default();
    let mut child = Command::new("sh")
        .arg(&path)
        .env_clear()
        .env("HOME", home.path())
        .env("PATH", format!("{folder}:{system}"))
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes())?;
    }
    Ok(child.wait_with_output()?)
}

/// Runs it against a server; it must be silent.
fn run_silently(server: &Server, script: &str, input: &str) -> Result<(), Problem> {
    let url = format!("http://{}", server.addresses().http);
    let variables = [
        ("CLAUDE_CODE_ENABLE_TELEMETRY", "1"),
        ("OTEL_LOGS_EXPORTER", "otlp"),
        ("OTEL_METRICS_EXPORTER", "otlp"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &url),
        ("OTEL_LOG_USER_PROMPTS", "1"),
        ("OTEL_LOG_TOOL_DETAILS", "1"),
        ("question", "What's the \"sum\"?"),
    ];
    let output = run(script, input, &variables)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, error) = (text(&output.stdout), text(&output.stderr));
    if !output.status.success() || !error.is_empty() || !out.is_empty() {
        let said = format!("{}: {out:?} {error:?}\n{script}", output.status);
        return Err(Problem::new(said));
    }
    Ok(())
}

const HOOKS: &str = "### Hooks";

#[tokio::test(flavor = "multi_thread")]
async fn the_recipes_for_hooks_tell_what_the_hooks_say() -> Result<(), Problem> {
    let (facts, recipes) = (blocks(HOOKS, "json")?, blocks(HOOKS, "sh")?);
    assert_eq!((facts.len(), recipes.len()), (2, 2), "docs/emitter.md");
    let server = launch().start()?;
    // The prompt comes first, and stands second.
    for place in [1, 0] {
        run_silently(&server, &recipes[place], &facts[place])?;
    }
    let parsed = |place: usize| serde_json::from_str::<Value>(&facts[place]);
    let (tool, prompt) = (parsed(0)?, parsed(1)?);
    let sql = server.sql();
    let one = async |question: &str| -> Result<Value, Problem> {
        let rows = sql.rows(question).await?;
        assert_eq!(rows.len(), 1, "{question}: {rows:?}");
        Ok(Value::from(rows[0].clone()))
    };
    let text = prompt["prompt"].as_str().unwrap_or_default();
    let expected = json!({
        "session_id": prompt["session_id"],
        "prompt": text,
        "prompt_length": emitter::utf16_length(text),
    });
    let asked = "SELECT session_id, prompt, prompt_length FROM events WHERE event = 'user_prompt'";
    assert_eq!(one(asked).await?, expected);
    let called = "SELECT session_id, tool_name, tool_use_id, success, tool_input FROM tool_calls";
    let call = one(called).await?;
    let input: Value = serde_json::from_str(call["tool_input"].as_str().unwrap_or_default())?;
    assert_eq!(input, tool["tool_input"]);
    for key in ["session_id", "tool_name", "tool_use_id"] {
        assert_eq!(call[key], tool[key], "{key}");
    }
    assert_eq!(call["success"], true);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_never_fails_its_agent() -> Result<(), Problem> {
    let (facts, recipes) = (blocks(HOOKS, "json")?, blocks(HOOKS, "sh")?);
    // A port that nobody listens on: the listener is dropped at once.
    let away = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let url = format!("http://{away}");
    let to_nobody = [
        ("CLAUDE_CODE_ENABLE_TELEMETRY", "1"),
        ("OTEL_LOGS_EXPORTER", "otlp"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &url),
    ];
    let off = &[][..];
    // At once: each waits for the server as long as the recipe says.
    std::thread::scope(|scope| {
        let mut runs = Vec::new();
        for (recipe, facts) in recipes.iter().zip(&facts) {
            let cases = [
                (facts.as_str(), off),
                (facts, &to_nobody),
                ("no JSON", &to_nobody),
            ];
            for (input, variables) in cases {
                runs.push(scope.spawn(move || run(recipe, input, variables)));
            }
        }
        for ended in runs {
            let ended = ended.join().map_err(|_| Problem::new("a run panicked"))?;
            let output = ended?;
            assert!(output.status.success(), "{output:?}");
            assert_eq!(output.stdout, b"", "what a hook prints goes to the model");
        }
        Ok(())
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_recipe_for_scripts_keeps_a_prompt_together() -> Result<(), Problem> {
    let recipes = blocks("## `tallybook emit`", "sh")?;
    let recipe = recipes
        .iter()
        .find(|recipe| recipe.contains("--print-ids)"));
    let recipe = recipe.ok_or_else(|| Problem::new("docs/emitter.md has no recipe for scripts"))?;
    let server = launch().start()?;
    run_silently(&server, recipe, "")?;
    let rows = server
        .sql()
        .rows(
            "SELECT event, prompt, cost_usd, count(*) OVER () AS events FROM events
             WHERE prompt_id = (SELECT prompt_id FROM prompts) ORDER BY time",
        )
        .await?;
    let found = Value::from(rows.into_iter().map(Value::from).collect::<Vec<_>>());
    let expected = json!([
        {"event": "user_prompt", "prompt": "What's the \"sum\"?\n", "cost_usd": null, "events": 2},
        {"event": "api_request", "prompt": null, "cost_usd": 0.005168, "events": 2},
    ]);
    assert_eq!(found, expected);
    Ok(())
}
