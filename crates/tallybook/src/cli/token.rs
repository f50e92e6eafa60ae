//! The options of `tallybook token`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand};
use ipnet::IpNet;

use super::PlainFormat;

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token, and print it once
    Create(MakeArgs),
    /// List all tokens, without their secrets
    List(Place),
    /// Show one token, or all of a slot, without the secret
    Show(NameArgs),
    /// Make a second token of a slot, and let the one in use go on for a while
    Rotate(RotateArgs),
    /// End a token, or all of a slot, at once
    Revoke(NameArgs),
}

/// Where the tokens are, and how they are printed.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// The data directory; a running server takes changes over [default: ./tallybook-data, or what the
    /// configuration says]
    #[arg(long, value_name = "DIR", env = "TALLYBOOK_DATA_DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// The server's configuration file (TOML)
    #[arg(long, value_name = "FILE", env = "TALLYBOOK_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value_t = PlainFormat::Text)]
    pub(crate) format: PlainFormat,
}

#[derive(Debug, Args)]
pub(crate) struct MakeArgs {
    /// What the token is for, its slot: letters, digits and - _ .
    pub(crate) slot: String,
    /// The organisation for which it writes, in your words
    #[arg(long, value_name = "NAME")]
    pub(crate) organization: String,
    /// A value of organization.id that items may name; several times for more [default: any]
    #[arg(long, value_name = "ID")]
    pub(crate) organization_id: Vec<String>,
    /// A product that items may be of: claude-code, cowork, …; several times for more [default: any]
    #[arg(long, value_name = "PRODUCT")]
    pub(crate) product: Vec<String>,
    /// A signal that may be sent: logs, metrics, traces; several times for more [default: any]
    #[arg(long, value_name = "SIGNAL")]
    pub(crate) signal: Vec<String>,
    /// An e-mail address or account id that items may name; several times for more [default: any]
    #[arg(long, value_name = "ID")]
    pub(crate) person: Vec<String>,
    /// A network from which it may be used: 10.0.0.0/8; several times for more [default: any]
    #[arg(long, value_name = "CIDR", value_parser = access::tokens::network)]
    pub(crate) network: Vec<IpNet>,
    /// Log records, data points and spans in a day (UTC) at most
    #[arg(long, value_name = "N")]
    pub(crate) items_per_day: Option<u64>,
    /// Bytes in a day (UTC) at most, inflated: 500MiB
    #[arg(long, value_name = "SIZE")]
    pub(crate) size_per_day: Option<base::ByteSize>,
    /// Requests in a minute at most
    #[arg(long, value_name = "N")]
    pub(crate) requests_per_minute: Option<u32>,
    /// After which time it ends by itself: 90d, 12h [default: never]
    #[arg(long, value_name = "TIME")]
    pub(crate) expires: Option<Lasting>,
    #[command(flatten)]
    pub(crate) place: Place,
}

#[derive(Debug, Args)]
pub(crate) struct NameArgs {
    /// The token's id, or its slot
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) place: Place,
}

#[derive(Debug, Args)]
pub(crate) struct RotateArgs {
    /// The slot
    pub(crate) slot: String,
    /// How long the token in use goes on. Clients may read their headers only when a session starts:
    /// with less than seven days some may be turned away
    #[arg(long, value_name = "TIME", default_value = "7d")]
    pub(crate) overlap: Lasting,
    /// After which time the new one ends by itself [default: never]
    #[arg(long, value_name = "TIME")]
    pub(crate) expires: Option<Lasting>,
    #[command(flatten)]
    pub(crate) place: Place,
}

/// A length of time, as `90d`, `12h`, `30m`, `10s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lasting {
    pub(crate) ms: u64,
}

const LASTING_MAX_MS: u64 = 3_660 * 24 * 3600 * 1000;

impl FromStr for Lasting {
    type Err = String;

    fn from_str(text: &str) -> Result<Lasting, String> {
        let wrong = || format!("{text:?} is no length of time: write it as 90d, 12h, 30m or 10s");
        let unit_at = text
            .len()
            .checked_sub(1)
            .filter(|at| text.is_char_boundary(*at));
        let (number, unit) = text.split_at(unit_at.ok_or_else(wrong)?);
        let unit_ms = match unit {
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 7 * 86_400_000,
            _ => return Err(wrong()),
        };
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let ms = number
            .checked_mul(unit_ms)
            .filter(|ms| *ms <= LASTING_MAX_MS);
        ms.map(|ms| Lasting { ms })
            .ok_or_else(|| format!("{text} is longer than ten years"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time() {
        for (text, ms) in [
            ("7d", 604_800_000),
            ("12h", 43_200_000),
            ("0s", 0),
            ("2w", 1_209_600_000),
        ] {
            assert_eq!(text.parse(), Ok(Lasting { ms }), "{text}");
        }
        for odd in [
            "",
            "d",
            "7",
            "7 d",
            "-1d",
            "1é",
            "99999d",
            "18446744073709551615w",
        ] {
            assert!(odd.parse::<Lasting>().is_err(), "{odd}");
        }
    }
}
