//! Another program's output, within bounds of time and size.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::thread::{self, park_timeout};
use std::time::{Duration, Instant};

const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Runs a program and gives its standard output. It blocks.
///
/// # Errors
///
/// It did not start, failed, took longer than `time_max` (and was ended), or said more than `bytes_max`.
/// The reason repeats nothing of what it said.
pub(crate) fn output(
    command: &mut Command,
    time_max: Duration,
    bytes_max: u64,
) -> Result<Vec<u8>, String> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("it did not start: {error}"))?;
    let output = child.stdout.take();
    let reader = thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(output) = output {
            // One byte more than allowed tells that there is too much.
            let mut bounded = output.take(bytes_max + 1);
            let _ = std::io::copy(&mut bounded, &mut bytes);
        }
        bytes
    });
    wait_for(&mut child, time_max)?;
    let bytes = reader
        .join()
        .map_err(|_| "its output could not be read".to_owned())?;
    if bytes.len() as u64 > bytes_max {
        return Err(format!("its output is longer than {bytes_max} bytes"));
    }
    Ok(bytes)
}

fn wait_for(child: &mut Child, time_max: Duration) -> Result<(), String> {
    let started = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("it failed ({status})")),
            Ok(None) if started.elapsed() < time_max => park_timeout(POLL_INTERVAL),
            Ok(None) => {
                // Either call fails only when it has just ended by itself.
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("it took longer than {} s", time_max.as_secs()));
            }
            Err(error) => return Err(error.to_string()),
        }
    }
}
