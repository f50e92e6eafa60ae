//! The command line.

pub(crate) const USAGE: &str = "\
Asks a receiver of OTLP whether it does what OTLP asks: cargo xtask conformance [OPTIONS]

Without --url it starts a Tallybook of this source, asks it, and looks at what it stored.

  --url URL        ask the receiver of OTLP/HTTP at http://host:port
  --grpc URL       ask the receiver of OTLP/gRPC at http://host:port too
  --max-body SIZE  the longest body in bytes that it takes (64 MiB unless told otherwise)
  --only WORD      only checks of this point, or with this word in their name; may be repeated
  --bad-input      send the corpus of bad input to a Tallybook of this source instead
  --list           show the checks and ask nothing
  --format FORMAT  table (Markdown) or json
  --write          write the table to docs/conformance.md

Exit codes: 0 nothing failed, 1 something did, 2 wrong usage.
";

/// What is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Table,
    Json,
}

/// What to ask, and whom.
#[derive(Clone, Debug)]
pub(crate) struct Arguments {
    pub(crate) url: Option<String>,
    pub(crate) grpc: Option<String>,
    pub(crate) max_body_bytes: usize,
    pub(crate) only: Vec<String>,
    pub(crate) bad_input: bool,
    pub(crate) list: bool,
    pub(crate) format: Format,
    pub(crate) write: bool,
}

impl Arguments {
    /// The arguments of a command line; fails with what is wrong about it.
    pub(crate) fn parse(words: &[String]) -> Result<Arguments, String> {
        let mut arguments = Arguments {
            url: None,
            grpc: None,
            max_body_bytes: 64 << 20,
            only: Vec::new(),
            bad_input: false,
            list: false,
            format: Format::Table,
            write: false,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().cloned().ok_or(format!("{word} needs a value"));
            match word.as_str() {
                "--url" => arguments.url = Some(value()?),
                "--grpc" => arguments.grpc = Some(value()?),
                "--max-body" => arguments.max_body_bytes = bytes(&value()?)?,
                "--only" => arguments.only.push(value()?),
                "--bad-input" => arguments.bad_input = true,
                "--list" => arguments.list = true,
                "--format" => arguments.format = format(&value()?)?,
                "--write" => arguments.write = true,
                _ => return Err(format!("{word} is not known")),
            }
        }
        let is_elsewhere = arguments.url.is_some();
        if arguments.grpc.is_some() && !is_elsewhere {
            return Err("--grpc needs --url".to_owned());
        }
        if is_elsewhere && (arguments.write || arguments.bad_input) {
            let said = "--write and --bad-input are of a Tallybook that is started here";
            return Err(said.to_owned());
        }
        Ok(arguments)
    }
}

fn bytes(text: &str) -> Result<usize, String> {
    let bytes = text.parse().ok();
    let bytes = bytes.filter(|bytes| (4096..=1 << 30).contains(bytes));
    bytes.ok_or(format!(
        "{text} is not a number of bytes from 4096 to 1 GiB"
    ))
}

fn format(text: &str) -> Result<Format, String> {
    match text {
        "table" => Ok(Format::Table),
        "json" => Ok(Format::Json),
        _ => Err(format!("{text} is neither table nor json")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Arguments::parse(&words)
    }

    #[test]
    fn what_is_known_is_understood_and_the_rest_refused() {
        let arguments =
            parse("--url http://a:1 --grpc http://a:2 --only 7 --only gzip --format json")
                .expect("understood");
        assert_eq!(arguments.url.as_deref(), Some("http://a:1"));
        assert_eq!(arguments.only, ["7", "gzip"]);
        assert_eq!((arguments.format, arguments.write), (Format::Json, false));
        for line in [
            "--grpc http://a:2",
            "--url",
            "--url http://a:1 --write",
            "--url http://a:1 --bad-input",
            "--format yaml",
            "--max-body 7",
            "--quick",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
