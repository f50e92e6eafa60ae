//! Which signatures are taken, and what a key must be for each.
//!
//! Invariant: the algorithm is one of this list, and the key is of the kind that it needs. `none` and
//! the algorithms with a shared secret (HS256 and its like) are not in the list: whoever knew our secret
//! could sign for the provider.

use ring::digest;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, EcdsaVerificationAlgorithm,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters,
    RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};

/// A public key, as it is needed.
#[derive(Clone, Debug)]
pub(crate) enum Material {
    /// Modulus and exponent, big-endian.
    Rsa { n: Vec<u8>, e: Vec<u8> },
    /// An uncompressed point on P-256.
    P256(Vec<u8>),
    /// An uncompressed point on P-384.
    P384(Vec<u8>),
    /// An Ed25519 key.
    Ed25519(Vec<u8>),
}

/// How a token is signed (RFC 7518, RFC 8037).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    EdDsa,
}

impl Algorithm {
    pub(crate) const NAMES: [(&str, Algorithm); 9] = [
        ("RS256", Algorithm::Rs256),
        ("RS384", Algorithm::Rs384),
        ("RS512", Algorithm::Rs512),
        ("PS256", Algorithm::Ps256),
        ("PS384", Algorithm::Ps384),
        ("PS512", Algorithm::Ps512),
        ("ES256", Algorithm::Es256),
        ("ES384", Algorithm::Es384),
        ("EdDSA", Algorithm::EdDsa),
    ];

    /// By its name in a token's head; of the curves of `EdDSA` there is one, which has a name of its own,
    /// too (RFC 9864).
    pub(crate) fn named(name: &str) -> Option<Algorithm> {
        let name = if name == "Ed25519" { "EdDSA" } else { name };
        let mut all = Algorithm::NAMES.iter();
        all.find(|(own, _)| *own == name).map(|(_, found)| *found)
    }

    /// Whether a key of this kind can have signed so.
    pub(crate) fn fits(self, key: &Material) -> bool {
        match self {
            Algorithm::Es256 => matches!(key, Material::P256(_)),
            Algorithm::Es384 => matches!(key, Material::P384(_)),
            Algorithm::EdDsa => matches!(key, Material::Ed25519(_)),
            _ => matches!(key, Material::Rsa { .. }),
        }
    }

    /// Whether the owner of `key` signed `message`.
    pub(crate) fn verifies(self, key: &Material, message: &[u8], signature: &[u8]) -> bool {
        match (self, key) {
            (Algorithm::Es256, Material::P256(point)) => {
                is_signed(ec(&ECDSA_P256_SHA256_FIXED), point, message, signature)
            }
            (Algorithm::Es384, Material::P384(point)) => {
                is_signed(ec(&ECDSA_P384_SHA384_FIXED), point, message, signature)
            }
            (Algorithm::EdDsa, Material::Ed25519(own)) => {
                is_signed(&ED25519, own, message, signature)
            }
            (algorithm, Material::Rsa { n, e }) => algorithm.rsa().is_some_and(|parameters| {
                let key = RsaPublicKeyComponents { n, e };
                key.verify(parameters, message, signature).is_ok()
            }),
            _ => false,
        }
    }

    /// The hash that goes with it.
    pub(crate) fn hash(self) -> &'static digest::Algorithm {
        match self {
            Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Es256 => &digest::SHA256,
            Algorithm::Rs384 | Algorithm::Ps384 | Algorithm::Es384 => &digest::SHA384,
            Algorithm::Rs512 | Algorithm::Ps512 | Algorithm::EdDsa => &digest::SHA512,
        }
    }

    fn rsa(self) -> Option<&'static RsaParameters> {
        Some(match self {
            Algorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
            Algorithm::Rs384 => &RSA_PKCS1_2048_8192_SHA384,
            Algorithm::Rs512 => &RSA_PKCS1_2048_8192_SHA512,
            Algorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
            Algorithm::Ps384 => &RSA_PSS_2048_8192_SHA384,
            Algorithm::Ps512 => &RSA_PSS_2048_8192_SHA512,
            Algorithm::Es256 | Algorithm::Es384 | Algorithm::EdDsa => return None,
        })
    }
}

fn ec(algorithm: &'static EcdsaVerificationAlgorithm) -> &'static dyn VerificationAlgorithm {
    algorithm
}

fn is_signed(
    algorithm: &'static dyn VerificationAlgorithm,
    key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> bool {
    UnparsedPublicKey::new(algorithm, key)
        .verify(message, signature)
        .is_ok()
}
