//! Tokens and keys that a vendor's prefix gives away.
//!
//! Shapes are those that vendors document or that their tokens have. Lengths are lower bounds well
//! under the real ones: clients cut long texts, and half a key is a key to somebody. Secrets without
//! a prefix (hexadecimal keys of many vendors) are found by what they are called, in `assigned.rs`.

use super::checks::Check;
use super::{Group, Rule};

/// A detector of secrets: name, literals, pattern, and optionally a check.
macro_rules! secret {
    ($name:literal, [$($literal:literal),+], $pattern:expr) => {
        secret!($name, [$($literal),+], $pattern, Check::Distinct)
    };
    ($name:literal, [$($literal:literal),+], $pattern:expr, $check:expr) => {
        Rule { name: $name, group: Group::Secrets, literals: &[$($literal),+], pattern: $pattern, check: $check }
    };
}
pub(super) use secret;

pub(super) static RULES: &[Rule] = &[
    // Own credentials first: whoever pastes one into a prompt should not find it in a report.
    secret!(
        "tallybook-token",
        ["tbi_", "tbk_"],
        r"(?-u:\b)tb[ik]_[a-z2-7]{12}_[A-Za-z0-9_-]{20,}"
    ),
    secret!(
        "anthropic-key",
        ["sk-ant-"],
        r"(?-u:\b)sk-ant-[a-z0-9]{2,12}-[A-Za-z0-9_-]{16,}"
    ),
    secret!(
        "openai-key",
        ["sk-"],
        r"(?-u:\b)sk-(?:(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20,}|[A-Za-z0-9]{20,}T3BlbkFJ[A-Za-z0-9]{10,}|[A-Za-z0-9]{32,})",
        Check::Varied
    ),
    secret!(
        "openrouter-key",
        ["sk-or-"],
        r"(?-u:\b)sk-or-v1-[a-f0-9]{32,}"
    ),
    secret!(
        "aws-access-key",
        ["akia", "asia", "abia", "acca"],
        r"(?-u:\b)(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?-u:\b)"
    ),
    secret!(
        "aws-session-token",
        ["iqojb3jpz2lu"],
        r"(?-u:\b)IQoJb3JpZ2lu[A-Za-z0-9+/=_-]{60,}"
    ),
    secret!(
        "aws-bedrock-key",
        ["absk"],
        r"(?-u:\b)ABSK[A-Za-z0-9+/]{60,}={0,2}"
    ),
    secret!(
        "github-token",
        ["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"],
        r"(?-u:\b)(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{30,})"
    ),
    secret!(
        "gitlab-token",
        [
            "glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "glsoat-", "glimt-",
            "glagent-", "gloas-", "glffct-"
        ],
        r"(?-u:\b)gl(?:pat|dt|rt|cbt|ptt|ft|soat|imt|agent|oas|ffct)-[A-Za-z0-9_.-]{16,}"
    ),
    secret!(
        "slack-token",
        [
            "xoxa-", "xoxb-", "xoxe-", "xoxe.", "xoxo-", "xoxp-", "xoxr-", "xoxs-", "xoxc-",
            "xoxd-", "xapp-"
        ],
        r"(?-u:\b)(?:xox[abceoprsd][-.][A-Za-z0-9%/+-]{16,}|xapp-[0-9]-[A-Za-z0-9-]{16,})"
    ),
    secret!(
        "slack-webhook",
        ["hooks.slack.com"],
        r"(?i)hooks\.slack\.com/(?:services|workflows|triggers)/(?<s>[A-Za-z0-9_/+-]{20,})"
    ),
    secret!(
        "discord-webhook",
        ["/api/webhooks/"],
        r"/api/webhooks/\d{15,}/(?<s>[A-Za-z0-9_-]{40,})"
    ),
    secret!(
        "teams-webhook",
        ["webhook.office.com"],
        r"(?i)webhook\.office\.com/webhookb2/(?<s>[A-Za-z0-9@/_-]{40,})"
    ),
    secret!(
        "stripe-key",
        ["sk_live_", "sk_test_", "rk_live_", "rk_test_"],
        r"(?-u:\b)[rs]k_(?:live|test)_[A-Za-z0-9]{16,}"
    ),
    secret!(
        "webhook-signing-secret",
        ["whsec_"],
        r"(?-u:\b)whsec_[A-Za-z0-9+/=]{24,}"
    ),
    secret!(
        "google-api-key",
        ["aiza"],
        r"(?-u:\b)AIza[A-Za-z0-9_-]{30,}"
    ),
    secret!(
        "google-oauth",
        ["ya29.", "gocspx-", "1//0"],
        r"(?-u:\b)(?:ya29\.[A-Za-z0-9_-]{20,}|GOCSPX-[A-Za-z0-9_-]{20,}|1//0[A-Za-z0-9_-]{30,})"
    ),
    secret!(
        "azure-storage-key",
        ["accountkey="],
        r"(?i)AccountKey=(?<s>[A-Za-z0-9+/]{40,}={0,2})"
    ),
    secret!(
        "azure-shared-key",
        ["sharedaccesskey="],
        r"(?i)SharedAccessKey=(?<s>[A-Za-z0-9+/]{30,}={0,2})"
    ),
    secret!(
        "azure-sas",
        ["sig="],
        r"[?&;]sig=(?<s>[A-Za-z0-9%+/_-]{30,}={0,2})",
        Check::Varied
    ),
    secret!(
        "azure-client-secret",
        ["8q~", "7q~"],
        r"(?-u:\b)[A-Za-z0-9_.~-]{3}[78]Q~[A-Za-z0-9_.~-]{31,}"
    ),
    secret!("npm-token", ["npm_"], r"(?-u:\b)npm_[A-Za-z0-9]{30,}"),
    secret!(
        "pypi-token",
        ["pypi-age", "pypi-agn"],
        r"(?-u:\b)pypi-Ag[A-Za-z0-9_-]{40,}"
    ),
    secret!(
        "rubygems-key",
        ["rubygems_"],
        r"(?-u:\b)rubygems_[a-f0-9]{40,}"
    ),
    secret!(
        "crates-io-token",
        ["cio"],
        r"(?-u:\b)cio[A-Za-z0-9]{32}(?-u:\b)",
        Check::Varied
    ),
    secret!(
        "docker-token",
        ["dckr_pat_", "dckr_oat_"],
        r"(?-u:\b)dckr_[po]at_[A-Za-z0-9_-]{20,}"
    ),
    secret!("huggingface-token", ["hf_"], r"(?-u:\b)hf_[A-Za-z0-9]{30,}"),
    secret!(
        "sendgrid-key",
        ["sg."],
        r"(?-u:\b)SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{20,}"
    ),
    secret!(
        "mailgun-key",
        ["key-"],
        r"(?-u:\b)key-[a-f0-9]{32}(?-u:\b)",
        Check::Varied
    ),
    secret!(
        "mailchimp-key",
        ["-us"],
        r"(?-u:\b)[a-f0-9]{32}-us\d{1,2}(?-u:\b)"
    ),
    secret!(
        "telegram-token",
        [":aa"],
        r"(?-u:\b)\d{8,10}:AA[A-Za-z0-9_-]{30,}"
    ),
    secret!(
        "shopify-token",
        ["shpat_", "shpca_", "shppa_", "shpss_"],
        r"(?-u:\b)shp(?:at|ca|pa|ss)_[a-fA-F0-9]{28,}"
    ),
    secret!(
        "square-token",
        ["sq0atp-", "sq0csp-"],
        r"(?-u:\b)sq0(?:atp|csp)-[A-Za-z0-9_-]{20,}"
    ),
    secret!(
        "digitalocean-token",
        ["dop_v1_", "doo_v1_", "dor_v1_"],
        r"(?-u:\b)do[opr]_v1_[a-f0-9]{40,}"
    ),
    secret!(
        "databricks-token",
        ["dapi"],
        r"(?-u:\b)dapi[a-f0-9]{32}",
        Check::Varied
    ),
    secret!("heroku-key", ["hrku-"], r"(?-u:\b)HRKU-[A-Za-z0-9_-]{30,}"),
    secret!(
        "linear-key",
        ["lin_api_", "lin_oauth_"],
        r"(?-u:\b)lin_(?:api|oauth)_[A-Za-z0-9]{30,}"
    ),
    secret!(
        "notion-token",
        ["ntn_", "secret_"],
        r"(?-u:\b)(?:ntn_[A-Za-z0-9]{40,}|secret_[A-Za-z0-9]{40,})",
        Check::Varied
    ),
    secret!(
        "atlassian-token",
        ["atatt3", "atctt3", "atbb", "atsc"],
        r"(?-u:\b)(?:AT[AC]TT3[A-Za-z0-9_=-]{50,}|AT(?:BB|SC)[A-Za-z0-9]{24,})",
        Check::Varied
    ),
    secret!(
        "newrelic-key",
        ["nrak-", "nrjs-", "nraa-"],
        r"(?-u:\b)NR(?:AK|JS|AA)-[A-Za-z0-9]{16,}"
    ),
    secret!(
        "grafana-token",
        ["glc_", "glsa_"],
        r"(?-u:\b)gl(?:c_[A-Za-z0-9+/=]{32,}|sa_[A-Za-z0-9]{32}_[a-f0-9]{8})"
    ),
    secret!(
        "vault-token",
        ["hvs.", "hvb.", "hvr."],
        r"(?-u:\b)hv[sbr]\.[A-Za-z0-9_-]{20,}"
    ),
    secret!(
        "terraform-token",
        [".atlasv1."],
        r"(?-u:\b)[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{40,}"
    ),
    secret!(
        "pulumi-token",
        ["pul-"],
        r"(?-u:\b)pul-[a-f0-9]{40}(?-u:\b)"
    ),
    secret!(
        "sentry-token",
        ["sntrys_", "sntryu_"],
        r"(?-u:\b)sntry[su]_[A-Za-z0-9+/=_]{40,}"
    ),
    secret!(
        "doppler-token",
        [
            "dp.pt.",
            "dp.st.",
            "dp.ct.",
            "dp.sa.",
            "dp.scim.",
            "dp.audit."
        ],
        r"(?-u:\b)dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9_.-]{32,}"
    ),
    secret!(
        "onepassword-token",
        ["ops_eyj"],
        r"(?-u:\b)ops_eyJ[A-Za-z0-9_=-]{60,}"
    ),
    secret!(
        "age-key",
        ["age-secret-key-1"],
        r"(?i)(?-u:\b)AGE-SECRET-KEY-1[A-Z0-9]{40,}"
    ),
    secret!(
        "planetscale-token",
        ["pscale_tkn_", "pscale_pw_", "pscale_oauth_"],
        r"(?-u:\b)pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.=-]{28,}"
    ),
    secret!(
        "supabase-key",
        ["sbp_", "sb_secret_"],
        r"(?-u:\b)(?:sbp_[a-f0-9]{40}|sb_secret_[A-Za-z0-9_-]{20,})"
    ),
    secret!(
        "netlify-token",
        ["nfp_", "nfc_", "nfo_"],
        r"(?-u:\b)nf[pco]_[A-Za-z0-9]{30,}"
    ),
    secret!(
        "fly-token",
        ["fm1_", "fm2_", "fo1_"],
        r"(?-u:\b)(?:fm[12]_[A-Za-z0-9+/_=-]{40,}|fo1_[A-Za-z0-9_-]{30,})"
    ),
    secret!(
        "postman-key",
        ["pmak-"],
        r"(?-u:\b)PMAK-[a-f0-9]{24}-[a-f0-9]{20,}"
    ),
    secret!("replicate-token", ["r8_"], r"(?-u:\b)r8_[A-Za-z0-9]{30,}"),
    secret!("groq-key", ["gsk_"], r"(?-u:\b)gsk_[A-Za-z0-9]{40,}"),
    secret!(
        "perplexity-key",
        ["pplx-"],
        r"(?-u:\b)pplx-[A-Za-z0-9]{32,}"
    ),
    secret!("xai-key", ["xai-"], r"(?-u:\b)xai-[A-Za-z0-9]{60,}"),
    secret!(
        "langsmith-key",
        ["lsv2_pt_", "lsv2_sk_"],
        r"(?-u:\b)lsv2_(?:pt|sk)_[a-f0-9]{32}"
    ),
    secret!("figma-token", ["figd_"], r"(?-u:\b)figd_[A-Za-z0-9_-]{30,}"),
    secret!(
        "contentful-token",
        ["cfpat-"],
        r"(?-u:\b)CFPAT-[A-Za-z0-9_-]{30,}"
    ),
    secret!(
        "tailscale-key",
        ["tskey-"],
        r"(?-u:\b)tskey-[a-z]+-[A-Za-z0-9]{8,}(?:-[A-Za-z0-9]{16,})?"
    ),
    secret!("artifactory-key", ["akcp"], r"(?-u:\b)AKCp[A-Za-z0-9]{60,}"),
    secret!(
        "alibaba-key",
        ["ltai"],
        r"(?-u:\b)LTAI[A-Za-z0-9]{16,26}(?-u:\b)",
        Check::Varied
    ),
    secret!(
        "sourcegraph-token",
        ["sgp_"],
        r"(?-u:\b)sgp_[A-Za-z0-9_]{32,}"
    ),
    secret!(
        "easypost-key",
        ["ezak", "eztk"],
        r"(?-u:\b)EZ[AT]K[A-Za-z0-9]{50,}"
    ),
    secret!(
        "adafruit-key",
        ["aio_"],
        r"(?-u:\b)aio_[A-Za-z0-9]{28}(?-u:\b)"
    ),
    secret!(
        "vercel-token",
        ["vcp_", "vci_", "vck_", "vercel_blob_rw_"],
        r"(?-u:\b)(?:vc[pik]_[A-Za-z0-9]{40,}|vercel_blob_rw_[A-Za-z0-9_]{30,})"
    ),
];
