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
        if settings.listen.allow_remote && server.scheme() == "http" {
            tracing::warn!("others may reach this server without TLS (--allow-remote): what is sent can be read on its way");
        }
        let welcome = server.welcome();
        if args.listen.print_addresses {
            say(&server.addresses().to_string())?;
        } else {
            say(&format!(
                "Tallybook keeps its data in {} and listens:\n{}\n\n{}Point Claude Code at it:\n{}",
                settings.data_dir.display(),
                server.describe(),
                welcome
                    .map(|text| format!("{text}\n\n"))
                    .unwrap_or_default(),
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
         export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf OTEL_EXPORTER_OTLP_ENDPOINT={}://{}",
        server.scheme(),
        server.otlp_http()
    )
}
