//! What every other crate stands on: the clock, the disk, byte sizes, shutdown, the directory lock, meters,
//! the secret of an installation, and what seals files.
//!
//! Invariant: no word of the domain appears here, and nothing here depends on another crate of the
//! workspace. Time and disk are parameters of everything above, so that both can be simulated.
//!
//! | file | what is in it |
//! |---|---|
//! | `clock.rs` | wall and monotonic time as a parameter |
//! | `disk.rs` | the few file operations that durable code needs, and their promises |
//! | `disk/unchanging.rs` | a disk that is only looked at |
//! | `sim.rs` | a disk in memory that forgets what was not synced |
//! | `byte_size.rs` | `64MiB` as people write it |
//! | `lock.rs` | one process per data directory |
//! | `meters.rs` | what is counted and timed, as Prometheus reads it |
//! | `private.rs` | files and folders for their owner alone |
//! | `seal.rs`, `seal/` | files and messages that only who holds a key can read |
//! | `secret.rs` | the one secret of an installation, and the keys derived from it |
//! | `shutdown.rs` | one signal that everybody can wait for |

pub mod byte_size;
pub mod clock;
pub mod disk;
pub mod lock;
pub mod meters;
pub mod private;
pub mod seal;
pub mod secret;
pub mod shutdown;
pub mod sim;

pub use byte_size::ByteSize;
pub use clock::{Clock, ManualClock, SystemClock};
pub use disk::{Disk, DiskFile, FreeSpace, OsDisk, Unchanging};
pub use lock::{DirLock, LockError};
pub use secret::{Secret, SecretError};
pub use shutdown::Shutdown;
