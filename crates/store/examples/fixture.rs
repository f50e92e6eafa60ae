//! Writes the data directory that `tests/formats` reads, as this version of the program writes it.

#[path = "../tests/formats/history.rs"]
mod history;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let dir = std::env::args_os().nth(1).expect("a new folder");
    let dir = std::path::PathBuf::from(dir);
    assert!(!dir.exists(), "a fixture is made once and never changed");
    history::live(&dir).await;
    std::fs::remove_file(dir.join("LOCK")).expect("the lock's file");
}
