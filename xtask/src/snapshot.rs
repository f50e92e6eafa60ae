//! The content of a folder at one moment, to tell what a rebuild changed.
//!
//! Comparing bytes instead of asking git gives the same answer in a fresh clone, in a working copy
//! with changes not committed yet, and for files that an ignore rule hides.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Every file under a folder, by its path relative to it.
#[derive(Debug)]
pub(crate) struct Snapshot {
    files: BTreeMap<PathBuf, Vec<u8>>,
}

impl Snapshot {
    /// A folder that does not exist has no files.
    pub(crate) fn of(folder: &Path) -> Result<Self, String> {
        let mut files = BTreeMap::new();
        let mut pending = vec![folder.to_path_buf()];
        while let Some(current) = pending.pop() {
            let told = |error| format!("{}: {error}", current.display());
            let entries = match fs::read_dir(&current) {
                Ok(entries) => entries,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(told(error)),
            };
            for entry in entries {
                let path = entry.map_err(told)?.path();
                if path.is_dir() {
                    pending.push(path);
                } else {
                    let content = fs::read(&path).map_err(told)?;
                    files.insert(
                        path.strip_prefix(folder).unwrap_or(&path).to_path_buf(),
                        content,
                    );
                }
            }
        }
        Ok(Self { files })
    }

    /// One line for each file that `later` adds, lacks or has with other content.
    pub(crate) fn differences(&self, later: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        for (path, content) in &self.files {
            match later.files.get(path) {
                None => lines.push(format!("{}: not built any more", path.display())),
                Some(rebuilt) if rebuilt != content => {
                    lines.push(format!("{}: content differs", path.display()));
                }
                Some(_) => {}
            }
        }
        for path in later
            .files
            .keys()
            .filter(|path| !self.files.contains_key(*path))
        {
            lines.push(format!("{}: missing before the build", path.display()));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_difference_is_found() {
        let name = format!("xtask-snapshot-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(folder.join("assets")).unwrap();
        let write = |path: &str, content: &str| fs::write(folder.join(path), content).unwrap();
        write("index.html", "one");
        write("assets/kept.js", "kept");
        write("assets/old.js", "old");
        let before = Snapshot::of(&folder).unwrap();
        assert!(
            before
                .differences(&Snapshot::of(&folder).unwrap())
                .is_empty()
        );

        write("index.html", "two");
        write("assets/new.js", "new");
        fs::remove_file(folder.join("assets/old.js")).unwrap();
        let after = Snapshot::of(&folder).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(
            before.differences(&after),
            [
                "assets/old.js: not built any more",
                "index.html: content differs",
                "assets/new.js: missing before the build",
            ]
        );
        assert!(Snapshot::of(&folder).unwrap().files.is_empty());
    }
}
