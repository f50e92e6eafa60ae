//! The first program of a shell command, and what kind of program it is: words from a fixed list, so
//! that nothing of the command itself is said.
//!
//! Source: the words are of the vendor's documentation and of recorded requests; the list behind them is
//! not published, and this one is our own.

/// A kind of programs, and those that are of it.
const KINDS: [(&str, &[&str]); 4] = [
    ("vcs", &["git", "gh", "glab", "hg", "svn", "jj"]),
    (
        "package_manager",
        &[
            "npm", "npx", "yarn", "pnpm", "bun", "pip", "pipx", "uv", "poetry", "cargo", "go",
            "gem", "bundle", "composer", "mvn", "gradle", "apt", "apt-get", "dnf", "yum", "brew",
            "apk",
        ],
    ),
    (
        "lang_runtime",
        &[
            "python", "node", "deno", "ruby", "perl", "php", "java", "dotnet", "lua", "julia",
            "swift",
        ],
    ),
    (
        "shell_builtin",
        &[
            "echo", "printf", "cd", "pwd", "export", "set", "unset", "test", "true", "false",
            "sleep", "source", "exit", "read", "wait", "kill", "alias", "type",
        ],
    ),
];

const OTHER: &str = "other";
const UNPARSED: &str = "unparsed";

/// `bash_command_class` and `bash_argv0` of a command.
pub(super) fn describe(command: &str) -> (&'static str, &'static str) {
    let Some(program) = first(command) else {
        return (UNPARSED, OTHER);
    };
    let file = program.rsplit('/').next().unwrap_or(program);
    // python3 and python3.12 are python.
    let name = file.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '.');
    let found = KINDS.iter().find_map(|(kind, names)| {
        let known = names.iter().find(|known| **known == name)?;
        Some((*kind, *known))
    });
    found.unwrap_or((OTHER, OTHER))
}

/// The first word that is no assignment; `None` when the command is not simple enough to tell.
fn first(command: &str) -> Option<&str> {
    let mut rest = command.trim_start();
    loop {
        let word = rest.split([' ', '\t', '\n', ';', '|', '&']).next()?;
        let is_plain =
            |letter: char| letter.is_ascii_alphanumeric() || "_-./+=:@,%~".contains(letter);
        if word.is_empty() || !word.chars().all(is_plain) {
            return None;
        }
        if !is_assignment(word) {
            return Some(word);
        }
        rest = rest[word.len()..].trim_start_matches([' ', '\t']);
    }
}

fn is_assignment(word: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let name = word.split_once('=').map(|(name, _)| name);
    name.is_some_and(|name| !name.is_empty() && name.chars().all(is_letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(command: &str, kind: &str, program: &str) {
        assert_eq!(describe(command), (kind, program), "{command}");
    }

    #[test]
    fn the_first_program_is_named_by_a_fixed_list() {
        check("echo hi", "shell_builtin", "echo");
        check("sleep 1; seq 1 400", "shell_builtin", "sleep");
        check("python3 -c 'import sys'", "lang_runtime", "python");
        check("/usr/bin/python3.12 x.py", "lang_runtime", "python");
        check("  A=1 B=two git status", "vcs", "git");
        check("npm ci && npm test", "package_manager", "npm");
        check("cat secret.txt|wc", OTHER, OTHER);
        for command in [
            "",
            "A=1",
            "\"my prog\" x",
            "$(which git) x",
            "(cd a; ls)",
            "é",
        ] {
            check(command, UNPARSED, OTHER);
        }
    }
}
