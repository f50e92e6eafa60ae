//! The options of `check` and what its summary admits.

use super::*;

fn check(arguments: &str, in_ci: bool, expected: Result<&[&'static str], &str>) {
    let arguments: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
    let selection = Selection::parse(&arguments, in_ci);
    match expected {
        Ok(chosen) => assert_eq!(
            selection,
            Ok(Selection {
                chosen: chosen.to_vec()
            }),
            "{arguments:?}"
        ),
        Err(part) => {
            let message = selection.expect_err("refused");
            assert!(message.contains(part), "{message:?} does not say {part:?}");
        }
    }
}

#[test]
fn selection() {
    let all = [
        "fmt",
        "tidy",
        "clippy",
        "deny",
        "test",
        "faults",
        "fuzz",
        "web",
        "browser",
        "docs",
        "prometheus",
        "sdk",
    ];
    check("", false, Ok(&all));
    check("", true, Ok(&all));
    check("--only test,fmt", true, Ok(&["fmt", "test"]));
    check("--only=tidy", false, Ok(&["tidy"]));
    check(
        "--skip web --skip browser,docs,prometheus,sdk",
        false,
        Ok(&all[..7]),
    );
    check("--skip web", true, Err("refused when CI=true"));
    check("--skip=web", true, Err("refused when CI=true"));
    check("--only", false, Err("needs the name of a step"));
    check(
        "--only tests",
        false,
        Err("no step `tests`; the steps are fmt, tidy"),
    );
    check("--fast", false, Err("no option `--fast`"));
    check("--only web --skip web", false, Err("leaves no step"));
}

#[test]
fn summary_tells_passed_partly_passed_failed_and_not_run_apart() {
    let text = summary(&[
        Outcome {
            name: "deny",
            result: Some(Ok(Some("half".to_owned()))),
            took: Duration::from_secs(75),
        },
        Outcome {
            name: "test",
            result: Some(Err("one\ntwo".to_owned())),
            took: Duration::from_millis(1234),
        },
        Outcome {
            name: "web",
            result: None,
            took: Duration::ZERO,
        },
    ]);
    let lines: Vec<_> = text.lines().skip(2).collect();
    assert_eq!(
        lines,
        [
            "deny     PARTLY    1 m 15 s  half",
            "test     FAILED       1.2 s  one",
            "web      NOT RUN      0.0 s  left out on request",
        ]
    );
}
