//! The file with the key that tokens are signed with: a shared secret, or a public key.

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use ring::hmac;
use ring::signature::{ED25519, UnparsedPublicKey};
use signature::{Error as BadSignature, Verifier};
use std::{fmt, io};

/// The least bytes of a shared secret: as many as of what it makes (RFC 7518, 3.2).
const MIN_SECRET: usize = 32;
const ED25519_KEY: usize = 32;

/// Why a file holds no key.
#[derive(Debug)]
pub(crate) enum KeyError {
    Read(io::Error),
    /// It begins like PEM, and holds something else than a public key.
    NotAPublicKey,
    /// It is a public key of another kind, or damaged.
    NotEd25519,
    /// It is no line of text.
    NotOneLine,
    /// The secret is so short that it can be guessed.
    ShortSecret,
}

/// The key in a file, and the one algorithm that is taken with it.
pub(super) fn parse(file: &[u8]) -> Result<(Algorithm, DecodingKey), KeyError> {
    // An error means that they are installed already.
    PROVIDER.install_default().ok();
    let file = file.trim_ascii();
    if !file.starts_with(b"-----BEGIN ") {
        if !file.iter().all(u8::is_ascii_graphic) {
            return Err(KeyError::NotOneLine);
        }
        if file.len() < MIN_SECRET {
            return Err(KeyError::ShortSecret);
        }
        return Ok((Algorithm::HS256, DecodingKey::from_secret(file)));
    }
    if !file.starts_with(b"-----BEGIN PUBLIC KEY-----") {
        return Err(KeyError::NotAPublicKey);
    }
    let key = DecodingKey::from_ed_pem(file).map_err(|_| KeyError::NotEd25519)?;
    match key.try_get_as_bytes() {
        Ok(bytes) if bytes.len() == ED25519_KEY => Ok((Algorithm::EdDSA, key)),
        Ok(_) | Err(_) => Err(KeyError::NotEd25519),
    }
}

/// What `jsonwebtoken` verifies signatures with.
static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: no_signer,
    verifier_factory: verifier,
    key_utils: KeyUtils::new_unimplemented(),
};

struct Hs256(hmac::Key);

struct EdDsa(UnparsedPublicKey<Vec<u8>>);

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
    let key = key.try_get_as_bytes()?;
    if *algorithm == Algorithm::HS256 {
        Ok(Box::new(Hs256(hmac::Key::new(hmac::HMAC_SHA256, key))))
    } else if *algorithm == Algorithm::EdDSA {
        Ok(Box::new(EdDsa(UnparsedPublicKey::new(&ED25519, key.to_vec()))))
    } else {
        Err(ErrorKind::InvalidAlgorithm.into())
    }
}

fn no_signer(_: &Algorithm, _: &EncodingKey) -> Result<Box<dyn JwtSigner>, Error> {
    Err(ErrorKind::InvalidAlgorithm.into())
}

impl Verifier<Vec<u8>> for Hs256 {
    fn verify(&self, message: &[u8], tag: &Vec<u8>) -> Result<(), BadSignature> {
        hmac::verify(&self.0, message, tag).map_err(|_| BadSignature::new())
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl Verifier<Vec<u8>> for EdDsa {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), BadSignature> {
        self.0.verify(message, signature).map_err(|_| BadSignature::new())
    }
}

impl JwtVerifier for EdDsa {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => error.fmt(f),
            Self::NotAPublicKey => f.write_str("it is PEM, but no `PUBLIC KEY`"),
            Self::NotEd25519 => f.write_str("it is not an Ed25519 public key"),
            Self::NotOneLine => f.write_str(
                "it is neither a public key in PEM nor a shared secret, which is one line of \
                 printable ASCII without spaces",
            ),
            Self::ShortSecret => {
                write!(f, "a shared secret has at least {MIN_SECRET} characters")
            }
        }
    }
}
