//! What goes over the wire, written and read by hand, so that right and wrong can be sent alike and
//! nothing of the server's own code judges itself.
//!
//! | file | what is in it |
//! |---|---|
//! | `protobuf.rs` | the wire format of protobuf |
//! | `http1.rs` | requests and answers of HTTP/1.1 over a socket |
//! | `grpc.rs` | calls over a connection of HTTP/2, their frames by hand |
//! | `status.rs` | `google.rpc.Status` and partial success in either encoding |
//! | `squeeze.rs` | gzip, Zstandard, noise |

pub mod grpc;
pub mod http1;
pub mod protobuf;
pub mod squeeze;
pub mod status;
