//! Key blocks, signed tokens, headers, connection strings; numbers of cards and people.

use super::checks::Check;
use super::vendors::secret;
use super::{Group, Rule};

const EMAIL: &str =
    r"(?i)[a-z0-9][a-z0-9._%+'-]{0,63}@[a-z0-9](?:[a-z0-9-]{0,62}\.){1,8}[a-z]{2,24}(?-u:\b)";

pub(super) static RULES: &[Rule] = &[
    secret!(
        "private-key",
        ["-----begin", "---- begin"],
        r"-{4,5} ?BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}(?:[\s\S]*?-{4,5} ?END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}|[A-Za-z0-9+/=\s\\:,-]*)",
        Check::None
    ),
    secret!(
        "putty-key",
        ["putty-user-key-file"],
        r"PuTTY-User-Key-File-\d: [\s\S]*?(?:Private-MAC: [a-f0-9]+|\z)",
        Check::None
    ),
    secret!(
        "jwt",
        ["eyj"],
        r"(?-u:\b)eyJ[A-Za-z0-9_-]{10,}\.(?:eyJ)?[A-Za-z0-9_-]{10,}(?:\.[A-Za-z0-9_-]*){0,3}"
    ),
    secret!(
        "authorization-header",
        ["authorization", "bearer", "basic"],
        r#"(?i)(?:authorization["'\\]{0,4}\s{0,4}[:=,]\s{0,4}["'\\]{0,4}(?:bearer|basic|token|digest|apikey|negotiate|bot)\s{1,4}|(?-u:\b)bearer\s{1,4}|(?-u:\b)basic\s{1,4})(?<s>[A-Za-z0-9+/_.~=:-]{8,})"#,
        Check::Credential
    ),
    secret!(
        "api-key-header",
        [
            "x-api-key",
            "x-auth-token",
            "x-goog-api-key",
            "api-key:",
            "private-token",
            "x-vault-token",
            "dd-api-key",
            "x-amz-security-token"
        ],
        r#"(?i)(?:x-(?:[a-z]{1,16}-)?api-key|x-auth-token|x-vault-token|x-amz-security-token|(?-u:\b)api-key|private-token|dd-api-key)["'\\]{0,4}\s{0,4}[:=,]\s{0,4}["'\\]{0,4}(?<s>[A-Za-z0-9+/_.~=-]{8,})"#,
        Check::Credential
    ),
    secret!(
        "cookie",
        ["cookie"],
        r#"(?i)(?:set-)?cookie["'\\]{0,4}\s{0,4}:\s{0,4}["'\\]{0,4}(?<s>[A-Za-z0-9_.-]{1,64}=[^\r\n"'\\]{16,4096})"#,
        Check::Varied
    ),
    secret!(
        "connection-string",
        ["://"],
        r#"(?i)(?-u:\b)[a-z][a-z0-9+.-]{1,30}://[^\s:/?#@"'<>]{0,128}:(?<s>[^\s"'<>/]{1,256})@"#,
        Check::UrlPassword
    ),
    secret!(
        "command-password",
        ["curl", "sshpass", "mysql", "wget"],
        r#"(?i)(?-u:\b)(?:curl\b[^\n]{0,200}?\s(?:-u|--user)[ =]["']?[^\s:"']{1,64}:|sshpass\s{1,4}-p\s{0,4}["']?|mysql(?:dump)?\b[^\n]{0,120}?\s-p)(?<s>[^\s"']{4,128})"#,
        Check::UrlPassword
    ),
    Rule {
        name: "card-number",
        group: Group::Cards,
        literals: &[],
        pattern: r"(?-u:\b)[2-6](?:[ -]?[0-9]){11,18}(?-u:\b)",
        check: Check::Card,
    },
    Rule {
        name: "email",
        group: Group::Emails,
        literals: &["@"],
        pattern: EMAIL,
        check: Check::None,
    },
    Rule {
        name: "iban",
        group: Group::Ibans,
        literals: &[],
        pattern: r"(?-u:\b)[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?-u:\b)",
        check: Check::Iban,
    },
    Rule {
        name: "phone",
        group: Group::Phones,
        literals: &[],
        pattern: r"(?:\+|(?-u:\b)00)[1-9][0-9]{0,2}[ .-]?(?:\([0-9]{1,4}\)[ .-]?)?[0-9](?:[ .-]?[0-9]){5,11}(?-u:\b)",
        check: Check::Phone,
    },
    Rule {
        name: "ip-address",
        group: Group::Ips,
        literals: &[],
        pattern: r"(?i)(?-u:\b)(?:(?:[0-9]{1,3}\.){3}[0-9]{1,3}|(?:[0-9a-f]{1,4}:){2,7}(?::?[0-9a-f]{1,4}){1,6})(?-u:\b)",
        check: Check::Ip,
    },
];
