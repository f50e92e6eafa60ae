//! Strain: how long an acknowledgement takes, what ten times the load does, and how soon after a kill
//! the next acknowledgement comes.
//!
//! Invariant: a figure counts only after the server has shown that it holds everything it
//! acknowledged, each event once. A refusal that does not ask to come again ends the benchmark.
//!
//! | file | what is in it |
//! |---|---|
//! | `latency.rs` | one client, one request at a time; and as many as keep it busy |
//! | `overload.rs` | ten times the clients, ten times the rate; and what comes after |
//! | `revival.rs` | kill -9 with a long journal, to the first acknowledgement and to all answers |
//! | `table.rs` | the table, and the floors |

mod latency;
mod overload;
mod revival;
mod table;

use std::path::Path;

use fleet::Transport;
use otlp::Encoding;
use testkit::Problem;

use crate::arguments::Arguments;
use crate::load::Lane;
use table::Strain;

/// Events in a request: what a busy client sends every few seconds.
const BATCH: usize = 50;
/// Connections that keep the server busy.
const SATURATING: usize = 16;

const LANES: &[Lane] = &[
    Lane {
        transport: Transport::Http,
        encoding: Encoding::Protobuf,
    },
    Lane {
        transport: Transport::Grpc,
        encoding: Encoding::Protobuf,
    },
];

/// Measures everything, and prints or writes the table.
pub(crate) async fn measure(arguments: &Arguments, binary: &Path) -> Result<(), Problem> {
    let is_quick = arguments.is_quick;
    let strain = Strain {
        is_quick,
        latency: latency::measure(binary, is_quick).await?,
        overload: overload::measure(binary, is_quick).await?,
        revival: revival::measure(binary, is_quick).await?,
    };
    let text = strain.markdown();
    println!("{text}");
    if arguments.write {
        crate::report::write("strain.md", &text)?;
    }
    Ok(())
}
