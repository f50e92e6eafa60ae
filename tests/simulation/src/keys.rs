//! Keys are renewed in lives that are encrypted: new ones at any time, and now and then what is under old ones
//! written anew, with whatever fault is planned for the disk meanwhile.

use store::Beside;

use crate::world::World;

impl World {
    /// New keys, in one deed of five; of these every other time all is written anew. Lives that are not
    /// encrypted are as they were: no die is thrown in them.
    pub(crate) async fn renew_keys(&mut self) -> Result<(), String> {
        if self.disk.is_powerless() {
            return Ok(());
        }
        let store = self.store()?;
        let Some(vault) = store.vault().cloned() else {
            return Ok(());
        };
        if self.dice.below(5) > 0 {
            return Ok(());
        }
        self.note("new keys");
        let rotated = vault.rotate_keys();
        if self.excuse("making new keys", rotated)?.is_none() {
            return Ok(());
        }
        if self.dice.below(2) > 0 || !self.is_replayed() {
            return Ok(());
        }
        let resealed = store.reseal(Beside::Others, |_, _| {}).await;
        if let Some(resealed) = self.excuse("writing anew", resealed)? {
            self.note(format!(
                "  {} parts written anew, {} keys forgotten",
                resealed.parts, resealed.keys_forgotten
            ));
        }
        Ok(())
    }
}
