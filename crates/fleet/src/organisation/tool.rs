//! Tools: how often they are called, how long they take, and what a call says about itself.

use std::borrow::Cow;

use serde_json::json;

use super::ClientVersion;
use super::event::Work;
use super::people::Surface;
use super::text;
use crate::random::Random;

/// A tool under the name that events carry.
pub(super) struct Tool {
    pub(super) name: &'static str,
    weight: f64,
    median_ms: f64,
    sigma: f64,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Shell,
    Reads,
    Edits,
    Fetches,
    /// Starts a subagent.
    Delegates,
    Mcp,
}

const fn tool(name: &'static str, kind: Kind, weight: f64, median_ms: f64, sigma: f64) -> Tool {
    Tool {
        name,
        weight,
        median_ms,
        sigma,
        kind,
    }
}

const TOOLS: &[Tool] = &[
    tool("Bash", Kind::Shell, 0.30, 900.0, 1.6),
    tool("Read", Kind::Reads, 0.24, 12.0, 0.8),
    tool("Edit", Kind::Edits, 0.16, 25.0, 0.9),
    tool("Grep", Kind::Reads, 0.09, 60.0, 0.9),
    tool("Glob", Kind::Reads, 0.05, 35.0, 0.9),
    tool("Write", Kind::Edits, 0.05, 20.0, 0.8),
    tool("TodoWrite", Kind::Reads, 0.03, 4.0, 0.6),
    tool("mcp_tool", Kind::Mcp, 0.03, 600.0, 1.1),
    tool("WebFetch", Kind::Fetches, 0.02, 2800.0, 0.7),
    tool("WebSearch", Kind::Fetches, 0.01, 3200.0, 0.6),
    tool("NotebookEdit", Kind::Edits, 0.01, 30.0, 0.9),
];
static TASK: Tool = tool("Task", Kind::Delegates, 0.02, 45_000.0, 0.9);
static AGENT: Tool = tool("Agent", Kind::Delegates, 0.02, 45_000.0, 0.9);

/// A tool of an MCP server: its own name, and the one by which clients before 2.1 name it.
type McpTool = (&'static str, &'static str);

/// MCP servers, the tools of each, and the scope in which the server is configured.
const MCP: &[(&str, &[McpTool], &str)] = &[
    (
        "tickets",
        &[
            ("search_issues", "mcp__tickets__search_issues"),
            ("get_issue", "mcp__tickets__get_issue"),
            ("add_comment", "mcp__tickets__add_comment"),
        ],
        "project",
    ),
    (
        "warehouse",
        &[
            ("run_query", "mcp__warehouse__run_query"),
            ("describe_table", "mcp__warehouse__describe_table"),
        ],
        "project",
    ),
    (
        "calendar",
        &[
            ("list_events", "mcp__calendar__list_events"),
            ("create_event", "mcp__calendar__create_event"),
        ],
        "claudeai",
    ),
    (
        "wiki",
        &[
            ("search_pages", "mcp__wiki__search_pages"),
            ("get_page", "mcp__wiki__get_page"),
        ],
        "user",
    ),
];

/// One tool call.
pub(super) struct Call {
    pub(super) tool: &'static Tool,
    /// The name that events carry: the tool's, but before 2.1 that of the MCP tool itself.
    pub(super) name: &'static str,
    /// `tool_parameters`, a JSON object; what the client takes out of the input.
    pub(super) parameters: Option<String>,
    /// `tool_input`, a JSON object, when content is sent.
    pub(super) input: Option<String>,
    pub(super) input_bytes: u64,
    pub(super) mcp: Option<Mcp>,
    pub(super) language: Option<&'static str>,
    /// What the call leaves behind when it succeeds.
    pub(super) work: Work,
}

#[derive(Clone, Copy)]
pub(super) struct Mcp {
    pub(super) server: &'static str,
    pub(super) tool: &'static str,
    pub(super) scope: &'static str,
}

/// A tool for the next call; a subagent starts no further ones.
pub(super) fn choose(random: &mut Random, client: ClientVersion, in_agent: bool) -> &'static Tool {
    if !in_agent && random.chance(AGENT.weight) {
        return if client.is_modern() { &AGENT } else { &TASK };
    }
    random.weighted(TOOLS, |tool| tool.weight)
}

impl Tool {
    pub(super) fn duration_ms(&self, random: &mut Random) -> u64 {
        random
            .log_normal(self.median_ms, self.sigma)
            .clamp(1.0, 600_000.0) as u64
    }
}

/// How a call is described: whose files, and whether its content is sent.
pub(super) struct Manner<'a> {
    pub(super) home: &'a str,
    pub(super) surface: Surface,
    pub(super) content: bool,
    /// Older ones tell shell commands and MCP names without being asked.
    pub(super) client: ClientVersion,
}

impl Call {
    pub(super) fn new(tool: &'static Tool, manner: &Manner<'_>, random: &mut Random) -> Call {
        let mut call = Call {
            tool,
            name: tool.name,
            parameters: None,
            input: None,
            input_bytes: random.log_normal(120.0, 0.8) as u64 + 8,
            mcp: None,
            language: None,
            work: Work::default(),
        };
        match tool.kind {
            Kind::Shell => call.shell(manner, random),
            Kind::Mcp => call.mcp(manner, random),
            Kind::Edits => call.edit(manner, random),
            Kind::Delegates => call.delegate(manner, random),
            Kind::Reads | Kind::Fetches => call.read(manner, random),
        }
        if let Some(input) = &call.input {
            call.input_bytes = input.len() as u64;
        }
        call
    }

    fn shell(&mut self, manner: &Manner<'_>, random: &mut Random) {
        let word = text::word(random);
        let (command, description): (Cow<'_, str>, _) = match random.below(100) {
            0..2 => ("gh pr create --fill".into(), "Open a pull request"),
            2..8 => (
                format!("git add -A && git commit -m 'Improve {word}'").into(),
                "Commit",
            ),
            8..30 => (format!("cargo test {word}").into(), "Run the tests"),
            30..50 => ("git status --short".into(), "See what changed"),
            50..65 => (format!("rg -n {word} src").into(), "Search the sources"),
            65..80 => ("npm run lint".into(), "Check the style"),
            80..90 => (
                format!("python3 tools/{word}.py --dry-run").into(),
                "Try the script",
            ),
            _ => ("ls -la".into(), "List files"),
        };
        self.work.commits = u64::from(command.contains("git commit"));
        self.work.pull_requests = u64::from(command.contains("gh pr create"));
        self.input_bytes = (command.len() + description.len()) as u64 + 32;
        if !manner.content && manner.client.is_modern() {
            return;
        }
        let program = command.split(' ').next().unwrap_or_default();
        self.parameters = Some(format!(
            "{{\"bash_command\":\"{program}\",\"full_command\":\"{command}\",\"description\":\"{description}\"}}"
        ));
        self.input = manner
            .content
            .then(|| format!("{{\"command\":\"{command}\",\"description\":\"{description}\"}}"));
    }

    fn mcp(&mut self, manner: &Manner<'_>, random: &mut Random) {
        let (server, tools, scope) = random.pick(MCP);
        let (tool, full_name) = random.pick(tools);
        if manner.client == ClientVersion::V2_0_76 {
            self.name = full_name;
        }
        self.mcp = Some(Mcp {
            server,
            tool,
            scope,
        });
        if manner.content || !manner.client.is_modern() {
            self.parameters = Some(format!(
                "{{\"mcp_server_name\":\"{server}\",\"mcp_tool_name\":\"{tool}\"}}"
            ));
        }
        self.input = manner.content.then(|| {
            format!(
                "{{\"query\":\"{}\",\"limit\":{}}}",
                text::word(random),
                random.between(5, 50)
            )
        });
    }

    fn edit(&mut self, manner: &Manner<'_>, random: &mut Random) {
        let (path, language) = text::file(random, manner.home);
        self.language = Some(language);
        self.work.lines_added = random.log_normal(9.0, 1.1) as u64 + 1;
        if self.tool.name != "Write" {
            self.work.lines_removed = random.log_normal(4.0, 1.1) as u64;
        }
        self.input = manner.content.then(|| match self.tool.name {
            "Edit" => json!({"file_path": path, "old_string": text::code(random), "new_string": text::code(random)}),
            "NotebookEdit" => json!({"notebook_path": path, "new_source": text::code(random)}),
            _ => json!({"file_path": path, "content": text::code(random)}),
        }.to_string());
    }

    fn delegate(&mut self, manner: &Manner<'_>, random: &mut Random) {
        if manner.content {
            self.parameters = Some("{\"subagent_type\":\"general-purpose\"}".to_owned());
            let prompt = text::prompt(random, manner.surface);
            let input = json!({"description": "Look around", "prompt": prompt, "subagent_type": "general-purpose"});
            self.input = Some(input.to_string());
        }
    }

    fn read(&mut self, manner: &Manner<'_>, random: &mut Random) {
        if !manner.content {
            return;
        }
        let word = text::word(random);
        let input = match self.tool.name {
            "Read" => json!({"file_path": text::file(random, manner.home).0}),
            "Grep" => json!({"pattern": word, "path": format!("{}/project", manner.home)}),
            "Glob" => json!({"pattern": format!("**/*{word}*")}),
            "WebFetch" => {
                json!({"url": format!("https://docs.example.com/{word}"), "prompt": "Summarise"})
            }
            "WebSearch" => json!({"query": format!("{word} best practice")}),
            _ => json!({"todos": [{"content": format!("Check {word}"), "status": "pending"}]}),
        };
        self.input = Some(input.to_string());
    }

    /// What the client reports when the call fails: the error's type and its text.
    pub(super) fn failure(&self, random: &mut Random) -> (&'static str, &'static str) {
        match self.tool.kind {
            Kind::Shell => ("ShellError", "Shell command failed"),
            Kind::Mcp => ("McpToolCallError", "the server could not answer"),
            Kind::Fetches => (
                "DomainCheckFailedError",
                "Unable to verify if the domain is safe to fetch.",
            ),
            Kind::Edits => ("TelemetrySafeError", "String to replace not found in file."),
            Kind::Reads | Kind::Delegates => random.pick(&[
                ("TelemetrySafeError", "File does not exist."),
                ("Error", "EISDIR: illegal operation on a directory, read"),
            ]),
        }
    }
}
