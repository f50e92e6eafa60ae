//! Erasing in an encrypted directory.

use super::*;

/// An encrypted directory is searched decrypted: files, and what is sealed message by message.
#[tokio::test]
async fn what_is_encrypted_is_searched_decrypted() {
    for planted in [
        None,
        Some("erasure/planted.json"),
        Some("access/audit/000001.jsonl"),
    ] {
        let encrypted = |config: &mut crate::Config| {
            config.root_key = Some(base::seal::RootKey::from_bytes([1; 32]));
        };
        let life = Life::on(base::OsDisk, encrypted).await;
        // Of both the same, so that whatever texts have in common is of somebody who stays.
        for number in 0..2 {
            send(&life, ANN, number).await;
            send(&life, BEN, number).await;
            life.store().flush().await.expect("flushes");
        }
        let vault = life.store().vault().expect("encrypted");
        if let Some(path) = planted {
            let text = format!("{{\"who\":\"{ANN}\"}}");
            let scope = base::seal::Scope::Installation;
            let bytes = match path.ends_with(".json") {
                true => vault.seal_file(&scope, path, text.as_bytes()),
                false => vault
                    .envelope(&scope)
                    .and_then(|envelope| envelope.seal_line(1, text.as_bytes())),
            };
            let target = life.dir.path().join(path);
            std::fs::create_dir_all(target.parent().expect("a folder")).expect("makes it");
            std::fs::write(&target, bytes.expect("seals")).expect("writes");
        }
        let certificate = erase(&life).await.expect("erases");
        // As an identifier and as content.
        let mut found: Vec<&str> = certificate
            .search
            .findings
            .iter()
            .map(|finding| finding.path.as_str())
            .collect();
        found.dedup();
        assert_eq!(found, Vec::from_iter(planted), "{}", certificate.text());
        assert_eq!(certificate.is_verified(), planted.is_none());
        assert!(certificate.search.decrypted && certificate.search.unsearched.is_empty());
        assert_eq!(
            (rows_of(&life, ANN).await, rows_of(&life, BEN).await),
            (0, 8)
        );
    }
}
