//! The command line of `tallybook why`.

use clap::Args;

use super::{PlainFormat, SourceArgs};

#[derive(Debug, Args)]
pub(crate) struct WhyArgs {
    /// The figure of the range that is asked about: REPORT.MEASURE@FROM..TO,dimension=value, as
    /// `tallybook report` prints it
    pub(crate) id: String,
    /// Compare with the rest of a wider range, FROM..TO [default: the period before]
    #[arg(long, value_name = "FROM..TO")]
    pub(crate) within: Option<String>,
    /// Dimensions, with commas between [default: all that say who, with what and where]
    #[arg(long, value_name = "NAMES")]
    pub(crate) by: Option<String>,
    /// Tell people apart, too
    #[arg(long)]
    pub(crate) people: bool,
    /// How to print it
    #[arg(long, value_enum, default_value_t = PlainFormat::Text)]
    pub(crate) format: PlainFormat,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
}
