//! Object stores and web servers: an address → a connection → the objects below it.
//!
//! In: an [`Address`]. Out: its objects, hidden ones left out. Credentials come from the environment, as each store's
//! own tools read them. Deliberately no writing.

use std::{collections::HashSet, sync::Arc};

use futures::TryStreamExt as _;
use object_store::{
    BackoffConfig, ClientConfigKey, ClientOptions, ObjectMeta, ObjectStore, ObjectStoreExt as _, RetryConfig,
    aws::{AmazonS3Builder, AmazonS3ConfigKey},
    azure::{AzureConfigKey, MicrosoftAzureBuilder},
    gcp::{GoogleCloudStorageBuilder, GoogleConfigKey},
    http::HttpBuilder,
    path::Path as Key,
    prefix::PrefixStore,
};

use super::{
    Error, Object, Source,
    environment::{Patience, filled, variable},
    glob,
    location::{self, Address, Kind},
    trouble,
};

/// A store that can be asked.
#[derive(Debug)]
pub(in crate::storage) struct Store {
    pub client: Arc<dyn ObjectStore>,
    /// Whose root, without a key.
    pub(super) address: Address,
    pub(super) patience: Patience,
}

impl Store {
    /// Connects to the store of a folder that can be written; keys are below the folder.
    pub(in crate::storage) fn of_folder(location: &str) -> Result<Self, Error> {
        let mut store = connect(location::folder(location)?)?;
        let prefix = std::mem::take(&mut store.address.key);
        if !prefix.is_empty() {
            store.client = Arc::new(PrefixStore::new(Arc::clone(&store.client), parsed(&store, &prefix)?));
            store.address.root = format!("{}/{prefix}", store.address.root);
        }
        Ok(store)
    }

    /// Takes a client that is connected already.
    pub(in crate::storage) fn around(client: Arc<dyn ObjectStore>, root: &str) -> Self {
        let (root, bucket) = (root.to_owned(), root.to_owned());
        let address = Address { kind: Kind::S3, root, bucket, account: None, query: None, key: String::new() };
        Self { client, address, patience: Patience::from_environment() }
    }

    /// Returns how people write the address of a key.
    pub(in crate::storage) fn shown(&self, key: &str) -> String {
        self.address.shown(key)
    }

    /// Says what a failure means.
    pub(in crate::storage) fn failed(&self, action: &'static str, key: &str, error: &object_store::Error) -> Error {
        let (reason, hint) = trouble::explained(error, &self.address, &self.patience);
        Error::Store { action, path: self.address.shown(key), reason, hint }
    }
}

/// Lists the objects of an address, which may be a glob.
pub(super) async fn list(location: &str, address: Address) -> Result<Vec<Object>, Error> {
    let key = address.key.clone();
    let store = Arc::new(connect(address)?);
    // On a web server `?` never is a wildcard: it begins the query.
    if !glob::has_wildcard(&key) {
        return Ok(vec![find(&store, &key).await?]);
    }
    if key.contains(['[', '{'])
        && let Ok(exact) = find(&store, &key).await
    {
        return Ok(vec![exact]);
    }
    list_glob(location, &store, &key).await
}

async fn find(store: &Arc<Store>, key: &str) -> Result<Object, Error> {
    let path = parsed(store, key)?;
    match store.client.head(&path).await {
        Ok(meta) => {
            let name = key.rsplit('/').next().unwrap_or(key);
            Ok(object(store, name, meta))
        }
        Err(object_store::Error::NotFound { source, .. }) if !trouble::is_bucket_missing(source.as_ref()) => {
            Err(Error::Missing { path: store.address.shown(key), hint: missing_hint(store, key).await })
        }
        Err(error) => Err(store.failed("read", key, &error)),
    }
}

/// Says which object beside the missing one may have been meant.
async fn missing_hint(store: &Store, key: &str) -> String {
    const PLAIN: &str = "check `location` in the source's contract";
    if store.address.kind == Kind::Http {
        return PLAIN.to_owned();
    }
    let folder = key.rsplit_once('/').map(|(folder, _)| Key::parse(folder));
    let Ok(folder) = folder.transpose() else { return PLAIN.to_owned() };
    match store.client.list_with_delimiter(folder.as_ref()).await {
        Err(error) => trouble::explained(&error, &store.address, &store.patience).0,
        Ok(beside) => {
            let name = key.rsplit('/').next().unwrap_or(key);
            let names = beside.objects.iter().filter_map(|meta| meta.location.filename());
            crate::record::diagnostic::nearest(name, names)
                .map_or_else(|| PLAIN.to_owned(), |near| format!("did you mean `{near}`?"))
        }
    }
}

async fn list_glob(location: &str, store: &Arc<Store>, key: &str) -> Result<Vec<Object>, Error> {
    let (folder, below) = glob::split_at_wildcard(key);
    if store.address.query.is_some() {
        let reason = "a web address with `?` names one file, so it holds no wildcard".to_owned();
        return Err(Error::Location { location: store.address.shown(key), reason });
    }
    let pattern = glob::Pattern::new(location, below)?;
    let prefix = if folder.is_empty() { None } else { Some(parsed(store, folder)?) };
    let listed: Result<Vec<ObjectMeta>, _> = store.client.list(prefix.as_ref()).try_collect().await;
    let listed = listed.map_err(|error| store.failed("list", folder, &error))?;
    let start = if folder.is_empty() { 0 } else { folder.len() + 1 };
    let folders: HashSet<&str> = listed.iter().flat_map(|meta| folders_of(meta.location.as_ref())).collect();
    // An empty object that is named like a folder marks that folder.
    let is_file = |meta: &&ObjectMeta| meta.size > 0 || !folders.contains(meta.location.as_ref());
    let wanted = listed.iter().filter(is_file).filter_map(|meta| {
        let below = meta.location.as_ref().get(start..)?;
        pattern.wants(below).then(|| object(store, below, meta.clone()))
    });
    let mut objects: Vec<Object> = wanted.collect();
    objects.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(objects)
}

/// Returns all folders above a key.
fn folders_of(key: &str) -> impl Iterator<Item = &str> {
    key.match_indices('/').map(|(at, _)| &key[..at])
}

fn parsed(store: &Store, key: &str) -> Result<Key, Error> {
    let wrong = |error: object_store::path::Error| Error::Location {
        location: store.address.shown(key),
        reason: trouble::words_of(&error),
    };
    Key::parse(key).map_err(wrong)
}

fn object(store: &Arc<Store>, below: &str, meta: ObjectMeta) -> Object {
    Object {
        path: below.into(),
        size: meta.size,
        modified: Some(meta.last_modified).filter(|time| time.timestamp() > 0),
        identity: identity(&meta),
        source: Source::Store { store: Arc::clone(store), meta: Arc::new(meta) },
    }
}

/// Returns what the store says about the object's state.
pub(super) fn identity(meta: &ObjectMeta) -> Option<String> {
    strong_tag(meta).or_else(|| meta.version.clone()).map(|mark| format!("{mark}:{}", meta.size))
}

/// Returns the tag of an object in quotes, as it stands in a header: Azure's listings leave them out. A weak tag promises nothing
/// about bytes, and is none.
pub(super) fn strong_tag(meta: &ObjectMeta) -> Option<String> {
    let tag = meta.e_tag.as_ref().filter(|tag| !tag.starts_with("W/"))?;
    Some(format!("\"{}\"", tag.trim_matches('"')))
}

/// Connects to the store of an address; nothing is asked yet.
fn connect(address: Address) -> Result<Store, Error> {
    let patience = Patience::from_environment();
    let client = client(&address, &patience)?;
    Ok(Store { client, address, patience })
}

fn client(address: &Address, patience: &Patience) -> Result<Arc<dyn ObjectStore>, Error> {
    let retry =
        RetryConfig { backoff: BackoffConfig::default(), max_retries: patience.retries, retry_timeout: patience.total };
    let made: Result<Arc<dyn ObjectStore>, object_store::Error> = match address.kind {
        Kind::S3 => {
            let mut builder = AmazonS3Builder::from_env().with_bucket_name(&address.bucket).with_retry(retry);
            if let Some(endpoint) = variable("AWS_ENDPOINT_URL_S3") {
                builder = builder.with_endpoint(endpoint);
            }
            for (key, seconds) in limits(patience) {
                builder = builder.with_config(AmazonS3ConfigKey::Client(key), seconds);
            }
            builder.build().map(|store| Arc::new(store) as _)
        }
        Kind::Google => {
            let mut builder = GoogleCloudStorageBuilder::from_env().with_bucket_name(&address.bucket).with_retry(retry);
            for (key, seconds) in limits(patience) {
                builder = builder.with_config(GoogleConfigKey::Client(key), seconds);
            }
            builder.build().map(|store| Arc::new(store) as _)
        }
        Kind::Azure => {
            let mut builder = MicrosoftAzureBuilder::from_env().with_container_name(&address.bucket).with_retry(retry);
            if let Some(account) = &address.account {
                builder = builder.with_account(account);
            }
            for (key, seconds) in limits(patience) {
                builder = builder.with_config(AzureConfigKey::Client(key), seconds);
            }
            builder.build().map(|store| Arc::new(store) as _)
        }
        Kind::Http => {
            let query = address.query.as_deref().map(filled).transpose()?;
            let url = query.map_or_else(|| address.root.clone(), |query| format!("{}/?{query}", address.root));
            // One answer may be a whole file, so the time between two pieces of it counts instead.
            let options = ClientOptions::new().with_allow_http(true).with_timeout_disabled();
            let builder = HttpBuilder::new().with_url(url).with_retry(retry);
            builder.with_client_options(options).build().map(|store| Arc::new(store) as _)
        }
    };
    made.map_err(|error| {
        let (reason, hint) = trouble::explained(&error, address, patience);
        Error::Store { action: "read", path: address.shown(&address.key), reason, hint }
    })
}

/// Returns how long one answer and one connection may take, as the stores' clients are told.
fn limits(patience: &Patience) -> [(ClientConfigKey, String); 2] {
    let connect = patience.request.as_secs().min(10);
    [
        (ClientConfigKey::Timeout, format!("{} seconds", patience.request.as_secs())),
        (ClientConfigKey::ConnectTimeout, format!("{connect} seconds")),
    ]
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn tagged(e_tag: Option<&str>) -> ObjectMeta {
        let (last_modified, e_tag) = (DateTime::UNIX_EPOCH, e_tag.map(str::to_owned));
        ObjectMeta { location: Key::from("a.csv"), last_modified, size: 7, e_tag, version: Some("3".to_owned()) }
    }

    #[test]
    fn a_tag_is_the_same_with_and_without_quotes_and_a_weak_one_is_none() {
        let tags = [Some("0x8DE2"), Some("\"0x8DE2\""), Some("W/\"0x8DE2\""), None].map(tagged);
        let expected = [Some("\"0x8DE2\""), Some("\"0x8DE2\""), None, None];
        assert_eq!(tags.each_ref().map(strong_tag), expected.map(|tag| tag.map(str::to_owned)));
        let identities = ["\"0x8DE2\":7", "\"0x8DE2\":7", "3:7", "3:7"];
        assert_eq!(tags.each_ref().map(identity), identities.map(|known| Some(known.to_owned())));
    }
}
