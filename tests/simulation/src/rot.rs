//! Single bits that flip at rest, at the end of a life: in a part, in one copy of what is kept twice, in
//! the newest manifest, in the journal. Each costs what it must, is told of, and nothing else.

use std::path::{Path, PathBuf};

use base::sim::Survival;
use store::StoreError;

use crate::world::{DIR, World};

impl World {
    /// One file of each kind rots in turn, and is mended again.
    pub(crate) async fn rot(&mut self) -> Result<(), String> {
        self.part_rots().await?;
        self.twin_rots().await?;
        self.manifest_rots().await?;
        self.journal_rots().await
    }

    /// Its rows are missing, and only they; it is named.
    async fn part_rots(&mut self) -> Result<(), String> {
        let before = self.stored(None).await?;
        let Some(path) = self.flip_in("parts/", "")? else {
            return Ok(());
        };
        self.restart().await?;
        let name = name_of(&path);
        let held = self.reader.part(&name).cloned().unwrap_or_default();
        let stored = self.stored(Some(&name)).await?;
        if stored != before.without(&held) {
            return Err(format!("{name} rots, and not just its rows are missing"));
        }
        self.must_be_told(&name)?;
        self.mend(&path);
        self.restart().await?;
        self.check("after a part was mended").await
    }

    /// Identities or series: the other copy has it all.
    async fn twin_rots(&mut self) -> Result<(), String> {
        let kind = ["identities/", "series/"][self.dice.below(2)];
        let Some(path) = self.flip_in(kind, "")? else {
            return Ok(());
        };
        self.restart().await?;
        let stored = self.stored(None).await?;
        self.ledger.check(&stored)?;
        let name = name_of(&path);
        if !name.ends_with(".copy") {
            self.must_be_told(&name)?;
        }
        self.repeat_everything().await?;
        let fresh = self.new_request();
        self.send_one(&fresh).await?;
        let stored = self.stored(None).await?;
        self.ledger.check(&stored)?;
        self.mend(&path);
        self.restart().await
    }

    /// At most one request is lost, and nothing else is changed.
    async fn journal_rots(&mut self) -> Result<(), String> {
        for _ in 0..3 {
            let request = self.new_request();
            self.send_one(&request).await?;
        }
        if self.flip_in("journal/", ".seg")?.is_none() {
            return Ok(());
        }
        self.restart().await?;
        let stored = self.stored(None).await?;
        let lost = self.ledger.lost(&stored);
        // Two requests may have been cut and sent as one.
        let most = self.ledger.sent.iter().map(|sent| sent.request.items());
        if lost.len() as u64 > 2 * most.max().unwrap_or_default() {
            return Err(format!("one bit of the journal costs {lost:?}"));
        }
        self.note(format!("  it costs {lost:?}"));
        self.ledger.forgive(&stored);
        self.ledger.check(&stored)
    }

    /// Its copy has it all; when that rots too, the one before it and the journal, or nothing is opened.
    async fn manifest_rots(&mut self) -> Result<(), String> {
        let flushed = self.store()?.flush().await;
        self.excuse("a flush", flushed)?;
        let Some(path) = self.flip_in("manifest/", "")? else {
            return Ok(());
        };
        if self.dice.below(2) == 0 {
            self.flip_copy(&path);
        }
        self.end(Survival::Everything);
        let before = self.disk.files();
        match self.try_open().await {
            Ok(()) => {
                self.replay().await?;
                let stored = self.stored(None).await?;
                self.ledger.check(&stored)
            }
            Err(StoreError::DamagedManifest(_) | StoreError::NewerVersion { .. }) => {
                let after = self.disk.files();
                if before
                    .iter()
                    .any(|(path, bytes)| after.get(path) != Some(bytes))
                {
                    return Err("a directory that is refused was changed".to_owned());
                }
                self.mend(&path);
                self.open().await?;
                self.replay().await?;
                self.check("after the manifest was mended").await
            }
            Err(error) => Err(format!("a manifest rots: {error}")),
        }
    }

    /// Flips the bit that was just flipped in a manifest in its copy, too, if it has one.
    fn flip_copy(&mut self, manifest: &Path) {
        let Some((_, offset, mask)) = self.flipped else {
            return;
        };
        let name = manifest.file_name().unwrap_or_default();
        let copy = Path::new(DIR).join("manifest-copies").join(name);
        if self.disk.files().contains_key(&copy) {
            self.note(format!("and in {}", copy.display()));
            self.disk.flip(&copy, offset, mask);
        }
    }

    /// Flips a bit in one of the files whose path begins and ends so: the newest, or any.
    fn flip_in(&mut self, beginning: &str, ending: &str) -> Result<Option<PathBuf>, String> {
        let beginning = format!("{DIR}/{beginning}");
        let mut found = self.disk.files();
        found.retain(|path, bytes| {
            let path = path.to_string_lossy();
            path.starts_with(&beginning) && path.ends_with(ending) && !bytes.is_empty()
        });
        if found.is_empty() {
            return Ok(None);
        }
        let at = match self.dice.below(2) {
            0 => found.len() - 1,
            _ => self.dice.below(found.len()),
        };
        let is_manifest = beginning.ends_with("manifest/");
        let at = if is_manifest { found.len() - 1 } else { at };
        let (path, bytes) = found.into_iter().nth(at).ok_or("no such file")?;
        let offset = self.dice.below(bytes.len());
        let mask = 1 << self.dice.below(8);
        self.note(format!(
            "bit {mask:#x} of byte {offset} of {} flips",
            path.display()
        ));
        self.flipped = Some((path.clone(), offset, mask));
        self.disk.flip(&path, offset, mask);
        Ok(Some(path))
    }

    fn mend(&mut self, path: &Path) {
        if let Some((flipped, offset, mask)) = self.flipped.take()
            && self.disk.files().contains_key(path)
        {
            self.disk.flip(&flipped, offset, mask);
        }
    }

    async fn restart(&mut self) -> Result<(), String> {
        self.restart_after(Survival::Everything).await.map(drop)
    }

    fn must_be_told(&mut self, name: &str) -> Result<(), String> {
        let damaged = self.store()?.damaged();
        if damaged.iter().any(|file| file.path == name) {
            return Ok(());
        }
        Err(format!("{name} rots, and only {damaged:?} is told of"))
    }
}

/// The path under the data directory.
fn name_of(path: &Path) -> String {
    let name = path.strip_prefix(DIR).unwrap_or(path);
    name.to_string_lossy().into_owned()
}
