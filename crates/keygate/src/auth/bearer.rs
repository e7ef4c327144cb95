//! `Authorization: Bearer …` of the API: an access token, or a personal access key.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::{HeaderMap, header::AUTHORIZATION, request::Parts};
use seal::token::StoredAccessKey;

use super::{Caller, Client, Origin, Role, Via, token};
use crate::{
    access_key,
    app::App,
    error::{Code, Result},
};

pub async fn caller(app: &Arc<App>, parts: &mut Parts) -> Result<Caller> {
    let credential = credential(&parts.headers)?.to_owned();
    let credential = credential.as_str();
    match credential.starts_with("kg_") {
        true => personal(app, parts, credential).await,
        false => token_bearer(app, credential).await,
    }
}

fn credential(headers: &HeaderMap) -> Result<&str> {
    let mut values = headers.get_all(AUTHORIZATION).into_iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(Code::Unauthorized.with("Send exactly one header: Authorization: Bearer <token>."));
    };
    let text = value.to_str().ok().and_then(|text| text.split_once(' '));
    match text {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim()),
        _ => Err(Code::Unauthorized.with("Send the header as: Authorization: Bearer <token>.")),
    }
}

async fn token_bearer(app: &App, credential: &str) -> Result<Caller> {
    let claims = token::verify(app, credential)?;
    let mut tx = app.db.guest().await?;
    let row = sqlx::query!(
        r#"select email as "email!", name, role as "role!", is_active as "is_active!",
                  confirmed_at as "confirmed_at!"
           from keygate.find_bearer($1, $2, $3, $4)"#,
        claims.sub,
        claims.sid,
        claims.sv,
        app.clock.now()
    )
    .fetch_optional(&mut *tx)
    .await?;
    tx.commit().await?;
    let row = row.ok_or_else(|| Code::Unauthorized.with("The token has been revoked. Sign in again."))?;
    if !row.is_active {
        return Err(Code::Inactive.into());
    }
    Ok(Caller {
        user: claims.sub,
        email: row.email,
        name: row.name.unwrap_or_default(),
        role: Role::parse(&row.role),
        via: Via::Token { family: claims.sid, confirmed_at: row.confirmed_at },
    })
}

async fn personal(app: &Arc<App>, parts: &mut Parts, credential: &str) -> Result<Caller> {
    let unknown =
        || Code::Unauthorized.with("The access key is unknown, revoked, expired or not for this address.");
    let key = StoredAccessKey::parse(credential).map_err(|_| unknown())?;
    let Ok(client) = Client::from_request_parts(parts, app).await;
    if let Some(caller) = access_key::personal_caller(app, &key, &client).await? {
        return Ok(caller);
    }
    let Ok(origin) = Origin::from_request_parts(parts, app).await;
    access_key::notice_bait(app, &key, &origin).await?;
    Err(unknown())
}
