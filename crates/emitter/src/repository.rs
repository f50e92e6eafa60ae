//! The repository that a session works in, by its `origin` remote.
//!
//! Invariant: nothing of a remote's credentials, query or fragment is ever said.
//!
//! Source: the vendor's documentation of `OTEL_METRICS_INCLUDE_REPOSITORY`; no recording shows it.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use contract::{Attribute, Value};

use crate::command::output;
use crate::settings::Settings;

const URL: &str = "vcs.repository.url.full";
const KEYS: &str = "vcs.";
/// Git answers from files in milliseconds; on a disk that hangs the repository stays unknown.
const GIT_TIME_MAX: Duration = Duration::from_millis(1500);
const GIT_BYTES_MAX: u64 = 8 << 10;
const PROVIDERS: [&str; 4] = ["github", "gitlab", "bitbucket", "gitea"];

/// What every record says of the repository of this directory. What `OTEL_RESOURCE_ATTRIBUTES` declares
/// goes before what git says, and with the address declared git is not asked. It blocks.
pub(crate) fn attributes(settings: &Settings, dir: &Path) -> Vec<Attribute<'static>> {
    let declared = &settings.resource_attributes;
    let is_declared = |key: &str| declared.iter().any(|(known, _)| known == key);
    let mut all: Vec<Attribute<'static>> = Vec::new();
    if !settings.include.resource_attributes {
        let kept = declared.iter().filter(|(key, _)| key.starts_with(KEYS));
        all.extend(kept.map(|(key, value)| attribute(key.clone(), value.clone())));
    }
    if is_declared(URL) {
        return all;
    }
    let home = std::env::home_dir();
    if let Some(repository) = remote(dir, home.as_deref()).and_then(|url| Repository::of(&url)) {
        let found = repository.attributes().into_iter();
        all.extend(found.filter(|(key, _)| !is_declared(key)));
    }
    all
}

fn attribute(key: impl Into<String>, value: String) -> Attribute<'static> {
    (key.into().into(), Value::Str(value.into()))
}

/// The address of the remote `origin` of the repository around a directory, unless that is the home.
fn remote(dir: &Path, home: Option<&Path>) -> Option<String> {
    let top = git(dir, &["rev-parse", "--show-toplevel"])?;
    let is_home = home.is_some_and(|home| {
        let real = |path: &Path| path.canonicalize().ok();
        real(home).is_some() && real(home) == real(Path::new(&top))
    });
    if is_home {
        return None;
    }
    git(dir, &["remote", "get-url", "origin"])
}

fn git(dir: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    command.arg("-C").arg(dir).args(arguments);
    let said = output(&mut command, GIT_TIME_MAX, GIT_BYTES_MAX).ok()?;
    let line = String::from_utf8(said).ok()?;
    let line = line.trim_end_matches(['\r', '\n']);
    (!line.is_empty()).then(|| line.to_owned())
}

/// What a remote's address says.
#[derive(Debug, PartialEq, Eq)]
struct Repository {
    /// Where a browser finds it.
    url: String,
    owner: Option<String>,
    name: String,
    provider: Option<&'static str>,
}

impl Repository {
    /// Of an address in any form that git takes; `None` of a path.
    fn of(remote: &str) -> Option<Repository> {
        let (scheme, host, path) = split(remote.trim())?;
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let path = path.trim_matches('/').to_ascii_lowercase();
        let path = path.strip_suffix(".git").unwrap_or(&path);
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let (name, owner) = parts.split_last()?;
        let host = host.to_ascii_lowercase();
        Some(Repository {
            url: format!("{scheme}://{host}/{}", parts.join("/")),
            owner: (!owner.is_empty()).then(|| owner.join("/")),
            name: (*name).to_owned(),
            provider: provider(&host),
        })
    }

    fn attributes(self) -> Vec<Attribute<'static>> {
        let mut all = vec![attribute(URL, self.url)];
        all.extend(self.owner.map(|owner| attribute("vcs.owner.name", owner)));
        all.push(attribute("vcs.repository.name", self.name));
        let provider = self.provider.map(str::to_owned);
        all.extend(provider.map(|name| attribute("vcs.provider.name", name)));
        all
    }
}

/// A browser's scheme, the host (with a port that a browser needs), and the path.
fn split(remote: &str) -> Option<(&'static str, &str, &str)> {
    if let Some((scheme, rest)) = remote.split_once("://") {
        let (authority, path) = rest.split_once('/')?;
        let host = authority
            .rsplit_once('@')
            .map_or(authority, |(_, host)| host);
        return match scheme.to_ascii_lowercase().as_str() {
            "https" => Some(("https", host.trim_end_matches(":443"), path)),
            "http" => Some(("http", host.trim_end_matches(":80"), path)),
            // The port is that of another service.
            "ssh" | "git" | "git+ssh" | "ssh+git" => Some(("https", without_port(host), path)),
            _ => None,
        }
        .filter(|(_, host, _)| !host.is_empty());
    }
    // user@host:path, which a path in front of the colon is not.
    let (authority, path) = remote.split_once(':')?;
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    // One letter is a drive.
    let is_host = host.len() > 1 && !authority.contains(['/', '\\']);
    is_host.then_some(("https", host, path))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// By the words of the host's name.
fn provider(host: &str) -> Option<&'static str> {
    let mut words = host.split(['.', '-', ':']);
    words.find_map(|word| PROVIDERS.into_iter().find(|known| *known == word))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::settings::Layers;

    #[track_caller]
    fn check(remote: &str, expected: Option<(&str, Option<&str>, &str, Option<&str>)>) {
        let expected = expected.map(|(url, owner, name, provider)| {
            let own = |text: &str| text.to_owned();
            (own(url), owner.map(own), own(name), provider.map(own))
        });
        let found = Repository::of(remote);
        let found = found.map(|it| (it.url, it.owner, it.name, it.provider.map(str::to_owned)));
        assert_eq!(found, expected, "{remote}");
    }

    #[test]
    fn every_form_of_an_address_gives_the_same() {
        let same = Some((
            "https://github.com/example-org/example-repo",
            Some("example-org"),
            "example-repo",
            Some("github"),
        ));
        for remote in [
            "https://github.com/Example-Org/example-repo.git",
            "https://github.com/example-org/example-repo/",
            "https://ada:secret@github.com/example-org/example-repo.git?a=secret#b",
            "https://github.com:443/example-org/example-repo",
            "git@github.com:example-org/example-repo.git",
            "github.com:/example-org/example-repo",
            "ssh://git@github.com:22/example-org/example-repo.git",
            "ssh://git@GitHub.com/example-org/example-repo",
            "git://github.com/example-org/example-repo.git",
        ] {
            check(remote, same);
        }
    }

    #[test]
    fn owners_and_providers_are_left_out_where_there_are_none() {
        check(
            "https://git.example.com/tool.git",
            Some(("https://git.example.com/tool", None, "tool", None)),
        );
        check(
            "git@gitlab.example.com:group/part/tool.git",
            Some((
                "https://gitlab.example.com/group/part/tool",
                Some("group/part"),
                "tool",
                Some("gitlab"),
            )),
        );
        check(
            "http://gitea.example.com:3000/ada/tool",
            Some((
                "http://gitea.example.com:3000/ada/tool",
                Some("ada"),
                "tool",
                Some("gitea"),
            )),
        );
        check(
            "https://notgithub.example.com/a/b",
            Some(("https://notgithub.example.com/a/b", Some("a"), "b", None)),
        );
    }

    #[test]
    fn what_is_no_address_gives_nothing() {
        for remote in [
            "/srv/git/tool.git",
            "../tool",
            "C:\\src\\tool",
            "C:/src/tool",
            "file:///srv/git/tool.git",
            "https://github.com/",
            "https://github.com",
            "https:///a/b",
            "./a:b/c",
        ] {
            check(remote, None);
        }
    }

    /// A repository with this remote, and a directory below it.
    pub(crate) fn repository(remote: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().expect("a directory");
        let below = dir.path().join("a/b");
        std::fs::create_dir_all(&below).expect("made");
        git_does(dir.path(), &["init", "--quiet"]);
        git_does(dir.path(), &["remote", "add", "origin", remote]);
        (dir, below)
    }

    fn git_does(dir: &Path, arguments: &[&str]) {
        let mut command = Command::new("git");
        command.arg("-C").arg(dir).args(arguments);
        output(&mut command, Duration::from_secs(30), 1 << 20).expect("git");
    }

    fn settings(resource: &str, more: &[(&str, &str)]) -> Settings {
        let base = [
            ("CLAUDE_CODE_ENABLE_TELEMETRY", "1"),
            ("OTEL_METRICS_INCLUDE_REPOSITORY", "true"),
            ("OTEL_RESOURCE_ATTRIBUTES", resource),
        ];
        let (settings, findings) =
            Settings::read(Layers::of(base.into_iter().chain(more.iter().copied())));
        assert_eq!(findings, []);
        settings
    }

    fn said(settings: &Settings, dir: &Path) -> Vec<String> {
        let all = attributes(settings, dir).into_iter();
        all.map(|(key, value)| match value {
            Value::Str(text) => format!("{key}={text}"),
            other => panic!("{other:?}"),
        })
        .collect()
    }

    #[test]
    fn the_remote_is_read_from_any_directory_of_a_repository() {
        let (_dir, below) = repository("git@github.com:example-org/example-repo.git");
        let expected = [
            "vcs.repository.url.full=https://github.com/example-org/example-repo",
            "vcs.owner.name=example-org",
            "vcs.repository.name=example-repo",
            "vcs.provider.name=github",
        ];
        assert_eq!(said(&settings("a=b", &[]), &below), expected);
        let outside = tempfile::tempdir().expect("a directory");
        assert_eq!(said(&settings("", &[]), outside.path()), [""; 0]);
        assert!(remote(&below, Some(outside.path())).is_some());
    }

    #[test]
    fn a_home_that_is_a_repository_is_none() {
        let (dir, below) = repository("git@github.com:ada/dotfiles.git");
        assert_eq!(remote(&below, Some(dir.path())), None);
        git_does(dir.path(), &["remote", "remove", "origin"]);
        assert_eq!(remote(&below, None), None, "no remote");
    }

    #[test]
    fn what_is_declared_goes_first() {
        let (_dir, below) = repository("https://github.com/a/b");
        let one = settings("vcs.owner.name=declared", &[]);
        let expected = [
            "vcs.repository.url.full=https://github.com/a/b",
            "vcs.repository.name=b",
            "vcs.provider.name=github",
        ];
        assert_eq!(
            said(&one, &below),
            expected,
            "the declared one is on the record already"
        );
        let url = "vcs.repository.url.full=https://example.com/x,team=y";
        assert_eq!(
            said(&settings(url, &[]), &below),
            [""; 0],
            "git is not asked"
        );
        let apart = [("OTEL_METRICS_INCLUDE_RESOURCE_ATTRIBUTES", "false")];
        let expected = ["vcs.repository.url.full=https://example.com/x"];
        assert_eq!(said(&settings(url, &apart), &below), expected);
    }
}
