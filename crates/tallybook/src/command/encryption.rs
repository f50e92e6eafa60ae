//! `tallybook encryption`: keys, and what is under them. Its server must be stopped: the store's lock is
//! taken.

mod online;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use access::audit::{Action, Place, Writer};
use base::seal::{RootKey, Scope, Vault, reseal_document};
use base::{SystemClock, private};
use store::{Beside, EncryptionStatus, KeyUse, Resealed, Store};

use super::access::{moment, put_on_record, shown};
use super::{io_runtime, say, start_logging};
use crate::cli::{DirArgs, EncryptionCommand, KeysArgs, LogArgs, OfflineArgs, PlainFormat};
use crate::client::Target;
use crate::failure::Failure;
use crate::opening;
use crate::plain::{Align, Table};
use crate::settings::Settings;

pub(crate) fn run(command: EncryptionCommand, log: &LogArgs) -> Result<(), Failure> {
    if let EncryptionCommand::NewKey { file } = command {
        return new_key(file.as_deref());
    }
    start_logging(log)?;
    let work = async {
        match command {
            EncryptionCommand::NewKey { .. } => Ok(()),
            EncryptionCommand::Status { format, place } => match server(&place)? {
                Some(server) => online::status(&server, format).await,
                None => status(&place.offline, format).await,
            },
            EncryptionCommand::Rewrite(place) => match server(&place)? {
                Some(server) => online::rewrite(&server).await,
                None => rewrite(&place.offline).await,
            },
            EncryptionCommand::Reload { url, key } => {
                online::reload(&Target::new(&url, &key)?).await
            }
            EncryptionCommand::Rotate {
                new_key_file,
                place,
            } => match server(&place)? {
                Some(server) => online::rotate(&server).await,
                None => rotate(&place.offline, new_key_file.as_deref()).await,
            },
            EncryptionCommand::Destroy {
                organization,
                yes,
                offline,
            } => destroy(&offline, organization, yes).await,
        }
    };
    io_runtime()?.block_on(work)
}

/// The server that is to be asked, if one is.
fn server(place: &KeysArgs) -> Result<Option<Target>, Failure> {
    let url = place.url.as_deref();
    url.map(|url| Target::new(url, &place.key)).transpose()
}

fn new_key(file: Option<&Path>) -> Result<(), Failure> {
    let key = RootKey::new_random().map_err(Failure::failed)?;
    let Some(file) = file else {
        return say(&key.text());
    };
    key.write(file).map_err(Failure::failed)?;
    say(&format!(
        "The root key {} is in {}. Keep a copy elsewhere: without it nothing that is encrypted can be read.",
        key.name(),
        file.display()
    ))
}

/// A data directory, open, that no server is using.
async fn open(offline: &OfflineArgs) -> Result<(Arc<Store>, PathBuf), Failure> {
    let mut settings = Settings::read(offline.config.as_deref())?;
    if let Some(dir) = &offline.data_dir {
        settings.data_dir.clone_from(dir);
    }
    let dir = super::access::data_dir(&DirArgs {
        data_dir: Some(settings.data_dir.clone()),
    })?;
    let mut config = settings.check()?.store;
    config.create = false;
    Ok((opening::whole(config).await?, dir))
}

async fn encrypted(offline: &OfflineArgs) -> Result<(Arc<Store>, Arc<Vault>, PathBuf), Failure> {
    let (store, dir) = open(offline).await?;
    match store.vault().cloned() {
        Some(vault) => Ok((store, vault, dir)),
        None => Err(Failure::usage(format!(
            "{} is not encrypted, and there is no key: make one with tallybook encryption new-key FILE, and name it with --encryption-key-file",
            dir.display()
        ))),
    }
}

async fn status(offline: &OfflineArgs, format: PlainFormat) -> Result<(), Failure> {
    let (store, _) = open(offline).await?;
    let status = store.encryption_status().await.map_err(Failure::failed)?;
    match format {
        PlainFormat::Json => say(&serde_json::to_string(&status).map_err(Failure::failed)?),
        PlainFormat::Text => say(&written(&status)),
    }
}

fn written(status: &EncryptionStatus) -> String {
    let Some(root) = &status.root_key else {
        return format!(
            "Nothing is encrypted: {} in {} files. To encrypt, start with a root key (tallybook encryption new-key).",
            bytes(status.plain_bytes),
            status.plain_files
        );
    };
    let columns = [
        ("Organisation", Align::Left),
        ("Key", Align::Left),
        ("State", Align::Left),
        ("Made", Align::Left),
        ("Files", Align::Right),
        ("Size", Align::Right),
    ];
    let mut table = Table::new(columns.map(|(name, align)| (name.to_owned(), align)).into());
    for key in &status.keys {
        table.row(row(key));
    }
    let mut lines = vec![format!("Root key {root}"), table.written()];
    let mut more = |count: u64, what: String| {
        if count > 0 {
            lines.push(what);
        }
    };
    more(
        status.plain_files,
        format!(
            "Plain: {} in {} files",
            bytes(status.plain_bytes),
            status.plain_files
        ),
    );
    more(
        status.mixed_parts,
        format!(
            "Parts with items of several organisations, under the installation's key: {}",
            status.mixed_parts
        ),
    );
    more(
        status.lost_files,
        format!(
            "Under keys that are gone, unreadable: {} in {} files",
            bytes(status.lost_bytes),
            status.lost_files
        ),
    );
    lines.push(match status.is_finished() {
        true => "Everything is under current keys.".to_owned(),
        false => "To finish: tallybook encryption rewrite".to_owned(),
    });
    lines.join("\n")
}

fn bytes(count: u64) -> String {
    base::ByteSize::bytes(count).to_string()
}

fn row(key: &KeyUse) -> Vec<String> {
    let organization = match key.organization.as_deref() {
        None => "(installation)".to_owned(),
        Some("") => "(none)".to_owned(),
        Some(name) => shown(name),
    };
    let state = if key.is_current { "current" } else { "old" };
    vec![
        organization,
        key.key.clone(),
        state.to_owned(),
        moment(key.made_at_s * 1000),
        key.files.to_string(),
        bytes(key.bytes),
    ]
}

async fn rewrite(offline: &OfflineArgs) -> Result<(), Failure> {
    let (store, _, dir) = encrypted(offline).await?;
    put_on_record(&dir, Action::Settings, "encryption: rewrite".to_owned())?;
    let documents = reseal_beside(&dir).map_err(Failure::failed)?;
    let told = |done, total| tracing::info!("{done} of {total} parts are written anew");
    let resealed = store
        .reseal(Beside::Nobody, told)
        .await
        .map_err(Failure::failed)?;
    say(&summary(&resealed, documents))?;
    let status = store.encryption_status().await.map_err(Failure::failed)?;
    say(&written(&status))?;
    match resealed.unreadable {
        0 => Ok(()),
        parts => Err(Failure::failed(format!(
            "{parts} parts cannot be read and are as they were: see tallybook doctor"
        ))),
    }
}

fn summary(resealed: &Resealed, documents: u64) -> String {
    format!(
        "Written anew: {} parts ({}), {} other files. Keys forgotten that nothing is under any more: {}.",
        resealed.parts,
        bytes(resealed.part_bytes),
        resealed.files + documents,
        resealed.keys_forgotten
    )
}

/// What is no object of the store: the secret, documents, closed segments of the audit trail. A command
/// beside this one may be changing a document: its lock is taken.
fn reseal_beside(dir: &Path) -> std::io::Result<u64> {
    let mut resealed = u64::from(reseal_document(&dir.join("keys/server.key"))?);
    for entry in std::fs::read_dir(dir.join("access"))? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            let lock: File = private::file(&path.with_extension("lock"))?;
            lock.lock()?;
            resealed += u64::from(reseal_document(&path)?);
        }
    }
    let writer = Writer::open(&Place::of(dir), Arc::new(SystemClock::new()));
    let lines = writer.and_then(|mut writer| writer.reseal());
    Ok(resealed + lines.map_err(std::io::Error::other)?)
}

async fn rotate(offline: &OfflineArgs, new_key_file: Option<&Path>) -> Result<(), Failure> {
    let new = new_key_file.map(RootKey::read).transpose();
    let new = new.map_err(|error| Failure::usage(error.to_string()))?;
    let (_store, vault, dir) = encrypted(offline).await?;
    put_on_record(&dir, Action::Settings, "encryption: rotate keys".to_owned())?;
    let old = vault.root_name();
    let rotated = tokio::task::spawn_blocking(move || {
        vault.rotate_keys()?;
        let name = new.as_ref().map(RootKey::name);
        if let Some(new) = new {
            vault.rotate_root(new)?;
        }
        Ok::<_, std::io::Error>(name)
    });
    let name = rotated.await.map_err(Failure::failed)?;
    say(
        "Every organisation has a new key for what is written from now on. To write anew what is under old ones: tallybook encryption rewrite.",
    )?;
    match name.map_err(Failure::failed)? {
        Some(name) => say(&format!(
            "The root key is {name} from now on: name its file before the next start. {old} opens nothing here any more; backups made before still need it."
        )),
        None => Ok(()),
    }
}

async fn destroy(offline: &OfflineArgs, organization: String, yes: bool) -> Result<(), Failure> {
    let (store, vault, dir) = encrypted(offline).await?;
    let status = store.encryption_status().await.map_err(Failure::failed)?;
    let meant: BTreeMap<&str, &KeyUse> = status
        .keys
        .iter()
        .filter(|key| key.organization.as_ref() == Some(&organization))
        .map(|key| (key.key.as_str(), key))
        .collect();
    if meant.is_empty() {
        let name = shown(&organization);
        return Err(Failure::usage(format!("there is no key of {name:?}")));
    }
    let (files, size) = meant.values().fold((0, 0), |(files, size), key| {
        (files + key.files, size + key.bytes)
    });
    let what = format!(
        "{} keys of {:?}, under which are {} in {files} files",
        meant.len(),
        shown(&organization),
        bytes(size)
    );
    if !yes {
        return Err(Failure::usage(format!(
            "this would destroy {what}; what is under them can never be read again. Say --yes"
        )));
    }
    // What is in the journal goes into parts first, so that the next start finds nothing it cannot read.
    store.flush().await.map_err(Failure::failed)?;
    put_on_record(
        &dir,
        Action::Settings,
        format!("encryption: destroy {what}"),
    )?;
    let scope = Scope::Named(organization);
    let destroyed = tokio::task::spawn_blocking(move || vault.destroy(&scope));
    destroyed
        .await
        .map_err(Failure::failed)?
        .map_err(Failure::failed)?;
    say(&format!(
        "Destroyed: {what}. Copies of the key ring in backups still open it: destroy those, or rotate the root key and destroy the old one."
    ))
}
