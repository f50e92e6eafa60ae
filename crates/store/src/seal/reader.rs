//! Sealed parts, opened for readers that know `object_store`.
//!
//! Invariant: only reading is possible, and a range that is not what was written is an error, never other
//! bytes.

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use base::Disk;
use base::seal::OpeningDisk;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetRange, GetResult, GetResultPayload, ListResult,
    MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions,
    PutPayload, PutResult, Result,
};

const NAME: &str = "sealed parts";

/// Parts, plain and sealed.
#[derive(Debug)]
pub(crate) struct SealedReader {
    plain: LocalFileSystem,
    opening: OpeningDisk,
    raw: Arc<dyn Disk>,
    root: PathBuf,
}

impl fmt::Display for SealedReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAME)
    }
}

impl SealedReader {
    pub(crate) fn new(
        plain: LocalFileSystem,
        opening: OpeningDisk,
        raw: Arc<dyn Disk>,
        root: PathBuf,
    ) -> SealedReader {
        SealedReader {
            plain,
            opening,
            raw,
            root,
        }
    }

    /// The length of a sealed object and some ranges of it; `None` when it is plain.
    async fn ranges_of(&self, location: &Path, wanted: Wanted) -> Result<Option<Read>> {
        let path = location.as_ref().to_owned();
        let target = self.root.join(&path);
        let (opening, raw) = (self.opening.clone(), Arc::clone(&self.raw));
        let reading = tokio::task::spawn_blocking(move || {
            let Some(opened) = opening.opened(&target)? else {
                return Ok(None);
            };
            let size = opened.plain_bytes();
            let ranges = match wanted {
                Wanted::Ranges(ranges) => ranges,
                Wanted::Of(None) => std::iter::once(0..size).collect(),
                Wanted::Of(Some(range)) => {
                    vec![range.as_range(size).map_err(io::Error::other)?]
                }
                Wanted::Size => Vec::new(),
            };
            let mut pieces = Vec::with_capacity(ranges.len());
            for range in &ranges {
                let end = range.end.min(size);
                let length = usize::try_from(end.saturating_sub(range.start));
                let mut piece = vec![0; length.map_err(io::Error::other)?];
                let read_at = |offset, buffer: &mut [u8]| raw.read_at(&target, offset, buffer);
                if opened.read(read_at, range.start, &mut piece)? != piece.len() {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                pieces.push(Bytes::from(piece));
            }
            Ok(Some(Read {
                size,
                ranges,
                pieces,
            }))
        });
        let read = reading
            .await
            .map_err(|error| generic(io::Error::other(error)))?;
        read.map_err(|error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => Error::NotFound {
                path,
                source: Box::new(error),
            },
            _ => generic(error),
        })
    }
}

enum Wanted {
    Size,
    Of(Option<GetRange>),
    Ranges(Vec<Range<u64>>),
}

struct Read {
    size: u64,
    ranges: Vec<Range<u64>>,
    pieces: Vec<Bytes>,
}

fn generic(error: io::Error) -> Error {
    Error::Generic {
        store: NAME,
        source: Box::new(error),
    }
}

fn only_read() -> Error {
    Error::NotImplemented {
        operation: "writing".into(),
        implementer: NAME.into(),
    }
}

#[async_trait]
impl ObjectStore for SealedReader {
    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let wanted = match options.head {
            true => Wanted::Size,
            false => Wanted::Of(options.range.clone()),
        };
        let Some(read) = self.ranges_of(location, wanted).await? else {
            return self.plain.get_opts(location, options).await;
        };
        let meta = self.plain.head(location).await?;
        let pieces = read.pieces.into_iter().map(Ok);
        Ok(GetResult {
            payload: GetResultPayload::Stream(stream::iter(pieces.collect::<Vec<_>>()).boxed()),
            meta: ObjectMeta {
                size: read.size,
                ..meta
            },
            range: read.ranges.into_iter().next().unwrap_or(0..0),
            attributes: Default::default(),
        })
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let wanted = Wanted::Ranges(ranges.to_vec());
        match self.ranges_of(location, wanted).await? {
            Some(read) => Ok(read.pieces),
            None => self.plain.get_ranges(location, ranges).await,
        }
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.plain.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.plain.list_with_delimiter(prefix).await
    }

    async fn put_opts(&self, _: &Path, _: PutPayload, _: PutOptions) -> Result<PutResult> {
        Err(only_read())
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Err(only_read())
    }

    fn delete_stream(
        &self,
        _: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        stream::iter([Err(only_read())]).boxed()
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(only_read())
    }
}
