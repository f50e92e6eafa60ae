//! The port of the web UI and the API: bound, with its places.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;

use api::{Connections, Places};
use tokio::net::TcpListener;

use crate::failure::Failure;

/// Where the UI is to be served, and for how many at once.
#[derive(Clone, Debug)]
pub(crate) struct UiPort {
    pub(crate) address: SocketAddr,
    pub(crate) connections: Connections,
}

impl UiPort {
    /// The listening socket and its places.
    pub(crate) async fn bind(self) -> Result<(TcpListener, Arc<Places>), Failure> {
        let address = self.address;
        let listener = TcpListener::bind(address).await.map_err(|error| {
            let mend = match error.kind() {
                ErrorKind::AddrInUse => {
                    "another process listens there: stop it, or choose another port with --ui"
                }
                _ => "choose another address with --ui",
            };
            Failure::failed(format!(
                "cannot serve the web UI on {address}: {error}; {mend}"
            ))
        })?;
        Ok((listener, Places::new(self.connections)))
    }
}
