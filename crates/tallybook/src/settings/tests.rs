//! What is said of a wrong configuration.

use super::*;

fn problems(text: &str) -> String {
    let settings: Result<Settings, _> = toml::from_str(text);
    match settings.map(|settings| settings.check()) {
        Ok(Ok(_)) => String::new(),
        Ok(Err(Failure::Usage(text))) => text,
        Ok(Err(other)) => format!("{other:?}"),
        Err(error) => error.to_string(),
    }
}

fn check(text: &str, expect: &[&str]) {
    let said = problems(text);
    for part in expect {
        assert!(
            said.contains(part),
            "{text:?} should say {part:?}, said {said:?}"
        );
    }
    assert_eq!(said.is_empty(), expect.is_empty(), "{said}");
}

#[test]
fn the_defaults_and_an_empty_file_are_right() {
    check("", &[]);
}

#[test]
fn unknown_keys_are_named_with_their_place() {
    check(
        "[listen]\nhtpp = \"127.0.0.1:1\"",
        &["line 2", "htpp", "http"],
    );
    check("flush = 1", &["unknown field `flush`"]);
}

#[test]
fn all_problems_are_reported_together() {
    check(
        "[listen]\nui = \"0.0.0.0:4319\"\n[store]\nflush_rows = 0\nbuffer_size_max = \"1MiB\"\n[query]\nmemory = \"lots\"",
        &[
            "listen.ui is 0.0.0.0:4319",
            "--allow-remote",
            "store.flush_rows",
            "store.buffer_size_max (1048576 bytes) must not be less than store.flush_size",
            "query.memory",
        ],
    );
}

#[test]
fn connections_of_one_address_are_bounded_by_what_is_set() {
    let text = "[listen]\nui_connections = 64\nui_connections_per_address = 8\nui_connections_unlimited = [\"10.1.2.3\", \"fd00::/8\"]\n";
    check(text, &[]);
    let settings: Settings = toml::from_str(text).expect("parses");
    let connections = settings.check().expect("checks").ui.connections;
    assert_eq!((connections.max, connections.per_address), (64, 8));
    let named: Vec<_> = connections
        .unlimited
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(named, ["10.1.2.3/32", "fd00::/8"], "loopback is no more");
    let usual = Settings::default().check().expect("checks").ui.connections;
    assert_eq!((usual.max, usual.per_address), (1024, 128));
    assert_eq!(usual.unlimited.len(), 2);
    check(
        "[listen]\nui_connections = 0\nui_connections_per_address = 8\nui_connections_unlimited = [\"proxy\"]\n",
        &[
            "listen.ui_connections is 0",
            "listen.ui_connections_per_address is 8",
            "\"proxy\" is neither an address nor a network",
        ],
    );
}

#[test]
fn costs_and_prices_are_checked_with_the_rest() {
    check(
        "[cost]\ndiscount = 0.15\ncurrency = \"EUR\"\ncurrency_per_usd = 0.92\n\
         [[price]]\nmodel = \"house-model\"\nfrom = \"2026-12-01\"\ninput = 1.0\noutput = 5.0\n\
         fast = { input = 2.0, output = 10.0 }\n",
        &[],
    );
    check(
        "[cost]\ndiscount = 1.5\ncurrency = \"Euro\"\n[query]\nconcurrent = 0\n\
         [[price]]\nmodel = \"a\"\ninput = -1.0\noutput = 5.0\n\
         [[price]]\nmodel = \"b\"\nfrom = \"soon\"\ninput = 1.0\noutput = 5.0\n",
        &[
            "cost.discount is 1.5",
            "cost.currency is \"Euro\"",
            "query.concurrent",
            "price 1 (a): input must be",
            "price 2 (b): from is \"soon\"",
        ],
    );
    check(
        "[[price]]\nmodel = \"a\"\ninput = 1.0\noutput = 5.0\ncache = 1.0\n",
        &["unknown field `cache`"],
    );
}

#[test]
fn what_is_no_format_and_no_level_of_the_log_is_said() {
    check(
        "[log]\nformat = \"json\"\nlevel = \"warn,receive=debug\"",
        &[],
    );
    check(
        "[log]\nformat = \"xml\"",
        &["line 2", "xml", "`text` or `json`"],
    );
    check(
        "[log]\nlevel = \"loud\"",
        &["log.level: `loud`", "error, warn, info"],
    );
    check("[log]\nlevel = \"trace\"", &["log.level: `trace`", "debug"]);
}

#[test]
fn the_reserve_of_the_disk_is_a_size_or_auto() {
    check("[store]\ndisk_reserve = \"2GiB\"", &[]);
    check("[store]\ndisk_reserve = \"auto\"", &[]);
    check(
        "[store]\ndisk_reserve = \"much\"",
        &["store.disk_reserve", "64MiB"],
    );
    check(
        "[store]\ndisk_reserve = \"1KiB\"",
        &["store.disk_reserve must be at least 1MiB"],
    );
}

#[test]
fn the_settings_in_force_can_be_read_again() {
    let text = "[cost]\ndiscount = 0.15\n[[price]]\nmodel = \"a\"\ninput = 1.0\noutput = 5.0\n\
                fast = { input = 2.0, output = 10.0 }\n";
    let settings: Settings = toml::from_str(text).expect("is right");
    let shown = toml::to_string(&settings).expect("can be shown");
    let again: Settings = toml::from_str(&shown).expect("is right");
    assert_eq!(again.price, settings.price);
    assert_eq!(toml::to_string(&again).expect("can be shown"), shown);
}

#[test]
fn with_tls_a_remote_address_needs_no_permission() {
    let tls = "[listen.tls]\ncertificate = \"a.pem\"\nkey = \"a.key\"\n";
    check(&format!("[listen]\nui = \"0.0.0.0:4319\"\n{tls}"), &[]);
    check(
        "[listen.tls]\ncertificate = \"a.pem\"\n",
        &["listen.tls", "both certificate and key"],
    );
    check(
        "[listen.tls]\nclient_certificate = \"perhaps\"\n",
        &["line 2", "`required` or `optional`"],
    );
}

#[test]
fn a_remote_address_can_be_allowed() {
    check("[listen]\nallow_remote = true\nui = \"0.0.0.0:4319\"", &[]);
}

#[test]
fn one_port_cannot_serve_two() {
    check(
        "[listen]\nui = \"127.0.0.1:4318\"",
        &["listen.ui and listen.http are both 127.0.0.1:4318"],
    );
}

#[test]
fn people_are_named_by_files_beside_the_configuration() {
    let dir = tempfile::tempdir().expect("a folder");
    let configuration = dir.path().join("tallybook.toml");
    let text = "[people]\nmapping = \"mapping.csv\"\nroster = \"/srv/roster.csv\"\n";
    std::fs::write(&configuration, text).expect("writable");
    let settings = Settings::read(Some(&configuration)).unwrap_or_else(|error| panic!("{error:?}"));
    let sources = settings.people.sources(&settings.data_dir);
    assert_eq!(sources.mapping, Some(dir.path().join("mapping.csv")));
    assert_eq!(sources.roster, Some("/srv/roster.csv".into()));
    check(
        "[people]\nmaping = \"a.csv\"",
        &["line 2", "maping", "mapping"],
    );
}

const OIDC: &str =
    "[access.oidc]\nissuer = \"https://sso.example.com\"\nclient_id = \"tallybook\"\n";

#[test]
fn a_provider_is_checked_with_the_rest() {
    let group = "[[access.oidc.group]]\nname = \"staff\"\nroles = [\"viewer\"]\n";
    check(&format!("{OIDC}{group}"), &[]);
    check(&format!("{OIDC}default_roles = [\"viewer\"]\n"), &[]);
    check(
        OIDC,
        &["access.oidc.group", "nobody could sign in", "default_roles"],
    );
    check(
        "[access.oidc]\nissuer = \"https://sso.example.com\"\n",
        &["missing field `client_id`"],
    );
    check(
        &format!("{OIDC}client_secret = \"x\"\n"),
        &[
            "unknown field `client_secret`",
            "client_secret_file",
            "client_secret_env",
        ],
    );
    check(
        &format!(
            "{OIDC}client_secret_file = \"a\"\nclient_secret_env = \"A\"\nscopes = [\"email\"]\n\
             public_url = \"http://tally.example.com/x\"\nallow = [\"0.0.0.0/0\"]\n\
             allowed_domains = [\"@example.com\"]\ngroups_claim = \"\"\n{}",
            group.replace("\"viewer\"", "")
        ),
        &[
            "access.oidc.client_secret_file",
            "access.oidc.scopes",
            "access.oidc.public_url",
            "access.oidc.allow: \"0.0.0.0/0\" is nearly everything",
            "access.oidc.allowed_domains",
            "access.oidc.groups_claim",
            "access.oidc.group: \"staff\" needs",
        ],
    );
    check(
        &format!("{OIDC}{}", group.replace("viewer", "root")),
        &["unknown variant `root`", "viewer"],
    );
}

#[test]
fn without_tls_a_provider_is_on_this_machine() {
    let local = OIDC.replace("https://sso.example.com", "http://127.0.0.1:9");
    let roles = "default_roles = [\"viewer\"]\n";
    check(
        &format!("{local}{roles}"),
        &["access.oidc.issuer", "allow_http"],
    );
    check(&format!("{local}{roles}allow_http = true\n"), &[]);
    let remote = "[listen]\nui = \"0.0.0.0:4319\"\nallow_remote = true\n";
    check(
        &format!("{remote}{OIDC}{roles}"),
        &["access.oidc.public_url", "needed"],
    );
    let public = "public_url = \"https://tally.example.com\"\n";
    let settings: Settings =
        toml::from_str(&format!("{remote}{OIDC}{roles}{public}")).expect("right");
    let checked = settings.check().unwrap_or_else(|error| panic!("{error:?}"));
    assert_eq!(checked.allowed_hosts, ["tally.example.com"]);
    assert!(checked.access.required && !checked.access.passwords_off);
}
