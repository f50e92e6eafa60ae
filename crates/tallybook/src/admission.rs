//! Who is let in by a server, and what it says about that when it starts.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use access::audit::{Place, Trail};
use access::{Gate, GateConfig};
use api::Access;
use base::{Clock, SystemClock};

use crate::failure::Failure;

/// Opens who there is and the audit trail. What cannot be read lets nobody start.
pub(crate) fn open(data_dir: &Path, config: GateConfig, ui: SocketAddr) -> Result<Access, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let config = GateConfig {
        // Whom a network brings must be somebody.
        required: config.required || !ui.ip().is_loopback(),
        ..config
    };
    let gate = Gate::open(data_dir, Arc::clone(&clock), config).map_err(Failure::failed)?;
    let place = Place::of(data_dir);
    let trail = Trail::open(place.clone(), clock).map_err(Failure::failed)?;
    Ok(Access {
        gate: Arc::new(gate),
        trail: Arc::new(trail),
        place,
    })
}

/// Says who may come in; with nobody set up, makes a link for the first admin. What is for standard
/// output is returned: the log never holds the link.
pub(crate) fn welcome(access: &Access, ui_url: &str) -> Option<String> {
    let gate = &access.gate;
    let nobody = gate
        .register()
        .is_ok_and(|register| register.people().is_empty());
    if !nobody {
        return None;
    }
    let link = match gate.begin_setup(ui_url) {
        Ok(link) => link,
        Err(error) => {
            tracing::warn!("no setup link could be made: {error}");
            return None;
        }
    };
    let file = link.file.display();
    let who = match gate.is_open() {
        Ok(true) => "anybody on this machine can read everything: set up access",
        _ => "nobody can sign in yet: set up access",
    };
    tracing::warn!("{who} with the link in {file}");
    Some(format!(
        "{}{}. Open this link within {} hours to become the first admin (it is in {file}, too):\n  {}",
        who[..1].to_uppercase(),
        &who[1..],
        access::SETUP_HOURS,
        link.url
    ))
}
