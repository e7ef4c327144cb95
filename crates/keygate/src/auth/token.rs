//! Access tokens of our own API: Ed25519 JWTs of five minutes. Algorithm, type, issuer and audience are
//! fixed here; nothing in a token chooses how it is checked.

use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    app::App,
    error::{Code, Error, Result},
};

pub const LIFE_SECONDS: i64 = 300;

#[derive(Debug, Serialize, Deserialize)]
pub struct Claims {
    pub iss: String,
    pub aud: String,
    pub sub: Uuid,
    /// The refresh family: gone means signed out.
    pub sid: Uuid,
    /// The user's security stamp when the token was made.
    pub sv: i32,
    pub iat: i64,
    pub exp: i64,
    pub jti: Uuid,
}

pub fn issue(app: &App, user: Uuid, family: Uuid, stamp: i32) -> Result<String> {
    let now = app.clock.now().unix_timestamp();
    let claims = Claims {
        iss: ISSUER.to_owned(),
        aud: ISSUER.to_owned(),
        sub: user,
        sid: family,
        sv: stamp,
        iat: now,
        exp: now + LIFE_SECONDS,
        jti: app.clock.id(),
    };
    let mut header = Header::new(Algorithm::EdDSA);
    header.typ = Some(TYPE.to_owned());
    header.kid = Some(app.keys.jwt.kid.clone());
    encode(&header, &claims, &app.keys.jwt.encoding).map_err(Error::internal)
}

pub fn verify(app: &App, token: &str) -> Result<Claims> {
    let refused = || Code::Unauthorized.with("The token is not valid or has expired. Sign in again.");
    let header = decode_header(token).map_err(|_| refused())?;
    let key = match header.typ.as_deref() == Some(TYPE) {
        true => header.kid.as_deref().and_then(|kid| app.keys.jwt.decoding(kid)),
        false => None,
    };
    let key = key.ok_or_else(refused)?;
    let claims = decode::<Claims>(token, key, &validation()).map_err(|_| refused())?.claims;
    // Time comes from the application's clock, not from the library's.
    let now = app.clock.now().unix_timestamp();
    match claims.exp + LEEWAY_SECONDS > now && claims.iat - LEEWAY_SECONDS <= now {
        true => Ok(claims),
        false => Err(refused()),
    }
}

fn validation() -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.validate_exp = false;
    validation.set_audience(&[ISSUER]);
    validation.set_issuer(&[ISSUER]);
    validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
    validation
}

const ISSUER: &str = "keygate";
const TYPE: &str = "at+jwt";
const LEEWAY_SECONDS: i64 = 5;
