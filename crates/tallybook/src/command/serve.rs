//! `tallybook serve`: receive until told to stop.

use base::Shutdown;

use super::{io_runtime, say};
use crate::cli::{LogArgs, ServeArgs};
use crate::failure::Failure;
use crate::logging;
use crate::server::{Server, watch_signals};
use crate::settings::Settings;

pub(crate) fn run(args: &ServeArgs, log: &LogArgs) -> Result<(), Failure> {
    let settings = Settings::of_serve(args, log)?;
    let checked = settings.check()?;
    logging::start(settings.log.format, &settings.log.level)?;
    io_runtime()?.block_on(async {
        let shutdown = Shutdown::new();
        tokio::spawn(watch_signals(shutdown.clone()));
        let server = Server::build(checked, false).await?;
        if settings.listen.allow_remote {
            tracing::warn!("others can reach this server, and there is no sign-in yet: who reaches the UI may read everything and make tokens");
        }
        if args.listen.print_addresses {
            say(&server.addresses().to_string())?;
        } else {
            say(&format!(
                "Tallybook keeps its data in {} and listens:\n{}\n\nPoint Claude Code at it:\n{}",
                settings.data_dir.display(),
                server.describe(),
                claude_code_environment(&server)
            ))?;
        }
        server.run(shutdown).await
    })
}

/// What to paste before starting Claude Code on this machine.
fn claude_code_environment(server: &Server) -> String {
    format!(
        "  export CLAUDE_CODE_ENABLE_TELEMETRY=1 OTEL_METRICS_EXPORTER=otlp OTEL_LOGS_EXPORTER=otlp\n  \
         export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf OTEL_EXPORTER_OTLP_ENDPOINT=http://{}",
        server.otlp_http()
    )
}
