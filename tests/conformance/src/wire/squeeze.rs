//! Compression, and what cannot be compressed.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use testkit::Problem;

/// How a body is compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Coding {
    /// Not at all.
    #[default]
    Identity,
    /// gzip.
    Gzip,
    /// Zstandard.
    Zstd,
}

impl Coding {
    /// The value of `content-encoding`; none when there is nothing to say.
    pub fn header(self) -> Option<&'static str> {
        match self {
            Coding::Identity => None,
            Coding::Gzip => Some("gzip"),
            Coding::Zstd => Some("zstd"),
        }
    }

    /// `plain`, compressed.
    ///
    /// # Errors
    ///
    /// When the compressor cannot.
    pub fn squeeze(self, plain: &[u8]) -> Result<Vec<u8>, Problem> {
        match self {
            Coding::Identity => Ok(plain.to_vec()),
            Coding::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(plain)?;
                Ok(encoder.finish()?)
            }
            Coding::Zstd => {
                let mut encoder = zstd::Encoder::new(Vec::new(), 3)?;
                encoder.write_all(plain)?;
                Ok(encoder.finish()?)
            }
        }
    }

    /// `plain`, compressed in pieces of `size` bytes: gzip members, or frames of Zstandard.
    ///
    /// # Errors
    ///
    /// When the compressor cannot.
    pub fn squeeze_in_pieces(self, plain: &[u8], size: usize) -> Result<Vec<u8>, Problem> {
        let pieces: Result<Vec<_>, _> = plain
            .chunks(size)
            .map(|piece| self.squeeze(piece))
            .collect();
        Ok(pieces?.concat())
    }
}

/// Text of `length` letters that no compression makes much smaller than three quarters of it.
pub fn noise(length: usize) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(LETTERS[(state >> 58) as usize])
    };
    (0..length).map(next).collect()
}
