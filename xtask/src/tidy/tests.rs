//! Every rule finds what is planted, and nothing in its neighbour that is right.
//!
//! Forbidden words are written in two halves here too.

use super::*;

/// The messages of a rule, each with its line, against parts that each must hold, in order.
fn expect(found: &[Finding], expected: &[(usize, &str)]) {
    let shown: Vec<String> = found.iter().map(Finding::to_string).collect();
    assert_eq!(found.len(), expected.len(), "{shown:#?}");
    for (finding, (line, part)) in found.iter().zip(expected) {
        assert_eq!(finding.line, *line, "{finding}");
        assert!(
            finding.message.contains(part),
            "{finding} does not say {part:?}"
        );
    }
}

/// What the edges rule says of crate `name` with these lines of manifest.
fn edge(name: &str, lines: &str, expected: &[&str]) {
    let root = "[workspace.dependencies]\ndf = { package = \"datafusion\", version = \"1\" }\n";
    let manifest = format!("[package]\nname = \"{name}\"\n{lines}");
    let found = edges::check(&format!("crates/{name}/Cargo.toml"), &manifest, root);
    let expected: Vec<_> = expected.iter().map(|part| (0, *part)).collect();
    expect(&found, &expected);
}

#[test]
fn edges_point_strictly_down() {
    edge(
        "store",
        "[dependencies]\nbase.workspace = true\notlp.workspace = true",
        &[],
    );
    edge(
        "store",
        "[dependencies]\nquery.workspace = true",
        &["`store` (level 3) must not depend on `query` (level 4)"],
    );
    edge(
        "journal",
        "[dependencies]\ncontract.workspace = true",
        &["strictly down"],
    );
    edge(
        "receive",
        "[dependencies]\naccess = { path = \"../access\" }",
        &["`access` (level 5)"],
    );
    edge(
        "receive",
        "[dev-dependencies]\nrelay.workspace = true",
        &["`relay` (level 5)"],
    );
    edge(
        "api",
        "[build-dependencies]\ntallybook.workspace = true",
        &["level 7"],
    );
    edge(
        "base",
        "[target.'cfg(unix)'.dependencies]\notlp.workspace = true",
        &["level 2"],
    );
    edge(
        "base",
        "[dependencies.store]\nworkspace = true",
        &["level 3"],
    );
    edge(
        "base",
        "[dependencies]\nshop = { package = \"store\", path = \"../store\" }",
        &["level 3"],
    );
}

#[test]
fn testkit_serves_tests_only() {
    edge("store", "[dev-dependencies]\ntestkit.workspace = true", &[]);
    edge(
        "tallybook",
        "[dev-dependencies]\ntestkit.workspace = true",
        &[],
    );
    edge(
        "otlp",
        "[dev-dependencies]\ntestkit.workspace = true",
        &["level 3 and above"],
    );
    edge(
        "api",
        "[dependencies]\ntestkit.workspace = true",
        &["level 3 and above"],
    );
    edge("testkit", "[dependencies]\nfleet.workspace = true", &[]);
    edge(
        "testkit",
        "[dependencies]\nquery.workspace = true",
        &["`testkit` must not depend on `query`"],
    );
    let tool = |folder: &str| {
        let text =
            format!("[package]\nname = \"{folder}\"\n[dependencies]\ntestkit.workspace = true");
        edges::check(&format!("{folder}/Cargo.toml"), &text, "")
    };
    expect(&tool("bench"), &[]);
    expect(
        &tool("xtask"),
        &[(0, "`xtask` must not depend on `testkit`")],
    );
}

#[test]
fn libraries_have_homes() {
    edge(
        "query",
        "[dependencies]\ndatafusion.workspace = true\nparquet.workspace = true",
        &[],
    );
    edge("store", "[dependencies]\nparquet.workspace = true", &[]);
    edge(
        "api",
        "[dependencies]\nparquet.workspace = true",
        &["`api` must not depend on `parquet`"],
    );
    edge(
        "store",
        "[dependencies]\ndatafusion-common = \"1\"",
        &["behind `query`"],
    );
    edge(
        "store",
        "[dev-dependencies]\ndf.workspace = true",
        &["`store` must not depend on `datafusion`"],
    );
    edge(
        "receive",
        "[dependencies]\nprost-types = \"1\"",
        &["only `otlp` sees protobuf"],
    );
    edge("otlp", "[dev-dependencies]\nprost = \"1\"", &[]);
    edge(
        "contract",
        "[dependencies]\ntokio.workspace = true",
        &["`contract` is pure"],
    );
    edge(
        "emitter",
        "[dependencies]\nbase.workspace = true",
        &["publishable alone"],
    );
    edge("emitter", "[dependencies]\notlp.workspace = true", &[]);
}

#[test]
fn a_crate_has_a_level_and_its_folder_s_name() {
    edge("cache", "", &["`cache` has no level"]);
    expect(
        &edges::check(
            "crates/base/Cargo.toml",
            "[package]\nname = \"tally-base\"",
            "",
        ),
        &[(0, "must be called `base`")],
    );
    expect(
        &edges::check("crates/base/Cargo.toml", "[package", ""),
        &[(0, "not TOML")],
    );
    assert_eq!(
        edges::crate_of_manifest("crates/base/Cargo.toml"),
        Some("base")
    );
    assert_eq!(
        edges::crate_of_manifest("crates/base/fuzz/Cargo.toml"),
        None
    );
}

#[test]
fn files_are_bounded() {
    let check = |path: &str, lines: usize, expected: &[(usize, &str)]| {
        expect(&length::check(path, &"//! x\n".repeat(lines)), expected);
    };
    check("crates/base/src/disk.rs", 400, &[]);
    check(
        "crates/base/src/disk.rs",
        401,
        &[(0, "401 lines; a file has at most 400")],
    );
    check("crates/base/src/disk/tests.rs", 600, &[]);
    check("crates/base/src/disk/tests.rs", 601, &[(0, "at most 600")]);
    check("crates/tallybook/tests/end_to_end/main.rs", 600, &[]);
    check("web/src/pages/Overview.svelte", 300, &[]);
    check("web/src/pages/Overview.svelte", 301, &[(0, "at most 300")]);
    check("docs/guide.md", 2000, &[]);
    let generated = format!(
        "/**\n * This file was auto-generated by a tool.\n */\n{}",
        "x\n".repeat(900)
    );
    expect(&length::check("web/src/api/schema.d.ts", &generated), &[]);
}

#[test]
fn functions_are_bounded() {
    let check = |lines: usize, expected: &[(usize, &str)]| {
        let body = "    let _ = \"}\";\n".repeat(lines - 2);
        let text = format!("//! Why.\n\nfn long(a: [u8; 3]) -> u8 {{\n{body}}}\n");
        expect(&length::check("crates/base/src/disk.rs", &text), expected);
    };
    check(70, &[]);
    check(71, &[(3, "`long` has 71 lines; more than 70 are long")]);
    check(99, &[(3, "`long` has 99 lines; more than 70 are long")]);
    check(100, &[(3, "`long` has 100 lines; 100 are refused")]);
    let note = length::check("a.rs", &format!("fn f() {{\n{}}}", "\n".repeat(80)));
    assert!(note[0].is_note);
    let refused = length::check("a.rs", &format!("fn f() {{\n{}}}", "\n".repeat(120)));
    assert!(!refused[0].is_note);
}

#[test]
fn functions_are_found_among_comments_and_literals() {
    let text = r####"
fn one<'a>(x: &'a str) -> char { '{' }
/* fn no() { /* nested { */ */
// fn no() {
trait Named { fn declared(&self) -> [u8; 2]; fn given(&self) { } }
const QUOTES: [char; 3] = ['\'', '"', '\u{7b}'];
fn two() {
    let raw = r#"fn no() { " "#;
    let bytes = br"{"; let text = "\"{\n fn no() {";
    fn inner() {
    }
    let pointer: fn(u8) -> u8 = |x| x;
}
fn r#match() {}
"####;
    let found = rust_text::functions(&rust_text::without_comments_and_literals(text));
    let lines: Vec<_> = found
        .iter()
        .map(|function| {
            (
                function.name.as_str(),
                function.first_line,
                function.last_line,
            )
        })
        .collect();
    assert_eq!(
        lines,
        [
            ("one", 2, 2),
            ("given", 5, 5),
            ("two", 7, 13),
            ("inner", 10, 11),
            ("r", 14, 14)
        ]
    );
}

#[test]
fn modules_are_named_for_the_domain() {
    let check = |path: &str, expected: &[(usize, &str)]| {
        expect(&names::check(path, "//! Why.\n"), expected)
    };
    check("crates/store/src/flush/worker.rs", &[]);
    check("crates/store/src/utils.rs", &[(0, "`utils`")]);
    check("crates/store/src/common/mod.rs", &[(0, "`common`")]);
    check("crates/store/tests/common/mod.rs", &[(0, "`common`")]);
    check(
        "crates/watch/src/alert_structs.rs",
        &[(0, "`alert_structs`")],
    );
    check("crates/watch/src/types.rs", &[(0, "`types`")]);
    check("crates/data/src/lib.rs", &[(0, "`data`")]);
    check("web/src/lib/helpers.ts", &[(0, "`helpers`")]);
    check("web/src/api/types.ts", &[]);
    check("web/src/pages/data-health.ts", &[]);
    expect(
        &names::check(
            "crates/store/src/part.rs",
            "//! Why.\npub(crate) mod misc {\n}\nmod helper;\nmod tests {}\n",
        ),
        &[(2, "`mod misc`")],
    );
}

#[test]
fn modules_say_what_they_are_for() {
    let check = |path: &str, text: &str, expected: &[(usize, &str)]| {
        expect(&names::check(path, text), expected)
    };
    check("crates/store/src/part.rs", "//! A part.\n", &[]);
    check(
        "crates/store/src/part.rs",
        "use std::fs;\n//! Late.\n",
        &[(1, "begins without `//!`")],
    );
    check(
        "crates/store/src/part.rs",
        "",
        &[(1, "begins without `//!`")],
    );
    check(
        "bench/src/main.rs",
        "fn main() {}\n",
        &[(1, "begins without `//!`")],
    );
    check("crates/store/tests/recovery.rs", "fn main() {}\n", &[]);
}

#[test]
fn unfinished_and_left_out_is_found() {
    let check = |line: &str, expected: &[(usize, &str)]| {
        expect(
            &words::check("crates/store/src/part.rs", &format!("//! Why.\n{line}\n")),
            expected,
        );
    };
    check(concat!("// TO", "DO: later"), &[(2, "finish it")]);
    check(concat!("// FIX", "ME"), &[(2, "finish it")]);
    check(concat!("// XX", "X"), &[(2, "finish it")]);
    check(concat!("    to", "do!()"), &[(2, "finish it")]);
    check(concat!("#[ig", "nore]"), &[(2, "every test runs")]);
    check(concat!("#[ig", "nore = \"long form: see docs\"]"), &[]);
    check(
        concat!("test.", "skip(\"later\")"),
        &[(2, "every test runs")],
    );
    check(
        concat!("test.", "only(\"this\")"),
        &[(2, "every test runs")],
    );
    check("mktemp -d /tmp/tally.XXXXXX; METHODOLOGY", &[]);
}

#[test]
fn what_holds_on_one_machine_is_found() {
    let check = |path: &str, line: &str, expected: &[(usize, &str)]| {
        expect(&words::check(path, line), expected)
    };
    let guide = "docs/guide.md";
    check(guide, concat!("see /wo", "rk/x"), &[(1, "one machine")]);
    check(guide, concat!("(/ro", "ot/.cargo)"), &[(1, "one machine")]);
    check(
        guide,
        concat!("file:///ho", "me/anna"),
        &[(1, "one machine")],
    );
    check(guide, concat!("a/ho", "me/b and {id}/wo", "rk/"), &[]);
    check(guide, "homework", &[]);
    check(
        "crates/fleet/src/people.rs",
        concat!("\"/ho", "me/anna\""),
        &[],
    );
    let cargo_source = concat!(
        "source = \"registry+https://github.com/rust-lang/crates",
        ".io-index\""
    );
    check("Cargo.lock", cargo_source, &[]);
    check(
        "Cargo.lock",
        concat!("source = \"https://index.crates", ".io/\""),
        &[(1, "host name")],
    );
    check(
        "web/package-lock.json",
        concat!("\"https://registry.npm", "js.org/a.tgz\""),
        &[(1, ".npmrc")],
    );
    check(
        "deploy/Dockerfile",
        concat!("deb http://deb.deb", "ian.org/debian"),
        &[(1, "host name")],
    );
    check(guide, concat!("from py", "pi.org"), &[(1, "host name")]);
    // Built files are not written by hand; only what points out of the project counts there.
    check("web/dist/app.js", concat!("TO", "DO"), &[]);
    check(
        "web/dist/app.js",
        concat!("\"/wo", "rk/web/src\""),
        &[(1, "one machine")],
    );
    check("Cargo.lock", concat!("checksum = \"XX", "X\""), &[]);
}

/// A page with a map of `crates` and the invariants of `numbers`.
fn architecture(crates: &[&str], numbers: impl Iterator<Item = usize>) -> String {
    let rows: String = crates
        .iter()
        .map(|name| format!("| 0 | `{name}` | what, with `query` in it |\n"))
        .collect();
    let lines: String = numbers
        .map(|number| format!("**Architecture Invariant {number}:** so.\n"))
        .collect();
    format!(
        "# Architecture\n\n| `other` |\n\n## Code map\n\n{rows}| – | `web/` | page |\n\n## Rest\n\n| `other` |\n{lines}"
    )
}

#[test]
fn the_map_names_exactly_what_exists() {
    let check = |mapped: &[&str], existing: &[&str], expected: &[(usize, &str)]| {
        expect(
            &guides::check_architecture(Some(&architecture(mapped, 1..=10)), existing),
            expected,
        );
    };
    check(&["base", "store"], &["base", "store"], &[]);
    check(
        &["base"],
        &["base", "store"],
        &[(0, "the code map lacks `store`")],
    );
    check(
        &["base", "relay"],
        &["base"],
        &[(0, "names `relay`, which is not under crates/")],
    );
    check(&["base", "base"], &["base"], &[(0, "names `base` twice")]);
    expect(
        &guides::check_architecture(None, &[]),
        &[(0, "does not exist")],
    );
    let no_map = architecture(&[], 1..=10).replace("## Code map", "## Map");
    expect(
        &guides::check_architecture(Some(&no_map), &[]),
        &[(0, "no heading")],
    );
}

#[test]
fn every_invariant_is_stated() {
    let page = architecture(&[], (1..=10).filter(|number| *number != 1 && *number != 7));
    expect(
        &guides::check_architecture(Some(&page), &[]),
        &[
            (0, "Architecture Invariant 1:"),
            (0, "Architecture Invariant 7:"),
        ],
    );
    let listed: String = (1..=10)
        .map(|number| format!("{number}. **Architecture Invariant:** so.\n"))
        .collect();
    expect(
        &guides::check_architecture(Some(&format!("## Code map\n{listed}")), &[]),
        &[],
    );
}

#[test]
fn the_readme_tells_both_commands() {
    let both = "`cargo run --release -- demo` and `cargo xtask check`";
    expect(&guides::check_readme(Some(both)), &[]);
    expect(
        &guides::check_readme(Some("cargo xtask check")),
        &[(0, "cargo run --release -- demo")],
    );
    expect(
        &guides::check_readme(Some("cargo run --release -- demo")),
        &[(0, "cargo xtask check")],
    );
    expect(&guides::check_readme(None), &[(0, "does not exist")]);
}

#[test]
fn rules_reach_every_file_they_are_for() {
    let files = [
        ("Cargo.toml", "[workspace]\n"),
        (
            "README.md",
            "cargo run --release -- demo\ncargo xtask check\n",
        ),
        (
            "crates/base/Cargo.toml",
            "[package]\nname = \"base\"\n[dependencies]\nstore = \"1\"\n",
        ),
        ("crates/base/src/misc.rs", "fn f() {}\n"),
        (
            "crates/testkit/captures/a/1.json",
            concat!("/ho", "me/dev TO", "DO\n"),
        ),
        ("web/dist/utils.js", concat!("TO", "DO\n")),
    ];
    let mut texts: BTreeMap<String, String> = files
        .iter()
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
        .collect();
    texts.insert(
        "ARCHITECTURE.md".to_owned(),
        architecture(&["base"], 1..=10),
    );
    expect(
        &findings(&texts),
        &[
            (0, "`misc` names"),
            (1, "begins without"),
            (0, "`base` (level 0) must not depend on `store`"),
        ],
    );
}

#[test]
fn who_asks_for_everything_is_known() {
    let asks = "fn f() {\n    engine.question(Sight::everything())\n}\n";
    let of = |path, text| sights::check(path, text);
    expect(
        &of("crates/api/src/live.rs", asks),
        &[(2, "take the sight of who asks")],
    );
    expect(&of("crates/api/src/sight.rs", asks), &[]);
    expect(
        &of("crates/api/src/sight.rs", ""),
        &[(0, "not ask for everything as often")],
    );
    expect(&of("crates/api/tests/http/sql.rs", asks), &[]);
}

#[test]
fn every_control_names_a_test_that_is_there() {
    let of = |rows: &str| {
        let guide = format!(
            "# S\n\n## Threats\n\n| threat | control | test |\n|---|---|---|\n{rows}\nNot there.\n"
        );
        let files = [
            (controls::SECURITY, guide.as_str()),
            (
                "crates/api/tests/http/access.rs",
                "async fn nobody_sees_more() {}\n",
            ),
            ("web/e2e/oidc.test.mjs", ""),
        ];
        let files = files.map(|(path, text)| (path.to_owned(), text.to_owned()));
        controls::check(&files.into_iter().collect())
    };
    for good in [
        "| a | b | `api` `access::nobody_sees_more`, browser test `oidc` |\n",
        "| a | b | does not compile |\n",
        "| a | b | by `systemd-analyze`, by hand |\n",
    ] {
        expect(&of(good), &[]);
    }
    for (odd, says) in [
        ("| a | b | by us |\n", "no test is named for: a"),
        (
            "| a | b | `api` `access::nobody_sees_less` |\n",
            "no test `access::nobody_sees_less`",
        ),
        ("| a | b | `store` |\n", "no test `store`"),
        ("| a | b |\n", "a threat has a control and a test"),
    ] {
        let findings = of(odd);
        assert!(
            findings
                .iter()
                .any(|finding| finding.message.contains(says)),
            "{findings:?}"
        );
    }
    assert!(
        of("")
            .iter()
            .any(|finding| finding.message.contains("no table"))
    );
}
