//! Who calls, and what they may do. The only place that reads callers' credentials.
//!
//! Authority is an argument: a handler that acts for somebody takes a [`May<P>`], and there is no other
//! way to make one than from a request whose credential was checked. Routes without one are listed in
//! `http::PUBLIC_ROUTES`, which a test compares with the router.

use std::{marker::PhantomData, sync::Arc};

use axum::extract::FromRequestParts;
use http::request::Parts;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    app::App,
    error::{Code, Error, Result},
};

mod bearer;
mod client;
pub mod session;
pub mod token;

pub use client::{Client, Peer};

/// A person or program whose credential was checked.
#[derive(Clone, Debug)]
pub struct Caller {
    pub user: Uuid,
    pub email: String,
    pub name: String,
    pub role: Role,
    pub via: Via,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Owner,
    Admin,
    User,
}

/// The credential the caller showed.
#[derive(Clone, Debug)]
pub enum Via {
    /// The cookie of a page session; the time of the last password check decides about step-up.
    Session { id: Uuid, confirmed_at: OffsetDateTime },
    /// An access token; the family dies at logout, and began with the password.
    Token { family: Uuid, confirmed_at: OffsetDateTime },
    /// A personal access key with its scopes.
    AccessKey { id: Uuid, scopes: Vec<String> },
}

/// Proof that the caller holds permission `P`.
pub struct May<P> {
    pub caller: Caller,
    permission: PhantomData<P>,
}

/// Something a caller can be allowed to do.
pub trait Permission {
    /// The scope a personal access key needs for it.
    const SCOPE: Option<&'static str>;
    const ROLES: &'static [Role] = &[Role::Owner, Role::Admin, Role::User];
}

/// Look at one's own things.
pub struct View;
/// Change one's own things.
pub struct Manage;
/// Look at and change accounts of others; never what they own.
pub struct Administer;

impl Permission for View {
    const SCOPE: Option<&'static str> = Some("read");
}

impl Permission for Manage {
    const SCOPE: Option<&'static str> = Some("manage");
}

impl Permission for Administer {
    const SCOPE: Option<&'static str> = None;
    const ROLES: &'static [Role] = &[Role::Owner, Role::Admin];
}

impl<P: Permission> May<P> {
    pub fn user(&self) -> Uuid {
        self.caller.user
    }

    fn grant(caller: Caller) -> Result<Self> {
        if !P::ROLES.contains(&caller.role) {
            return Err(Code::Forbidden.with("This is for administrators."));
        }
        if let Via::AccessKey { scopes, .. } = &caller.via {
            let covered = P::SCOPE.is_some_and(|needed| scopes.iter().any(|scope| scope == needed));
            if !covered {
                return Err(Code::Forbidden.with("The access key does not have the scope for this."));
            }
        }
        Ok(May { caller, permission: PhantomData })
    }
}

/// The API takes bearer credentials only, the pages their cookie only: neither can be used in the other's
/// place, so a page in a browser cannot be made to call the API.
impl<P: Permission> FromRequestParts<Arc<App>> for May<P> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self> {
        let caller = match parts.uri.path().starts_with("/api/") {
            true => bearer::caller(app, &parts.headers).await?,
            false => session::caller(app, &parts.headers).await?,
        };
        Self::grant(caller)
    }
}

impl Role {
    pub fn parse(text: &str) -> Self {
        match text {
            "owner" => Role::Owner,
            "admin" => Role::Admin,
            _ => Role::User,
        }
    }

    pub fn text(self) -> &'static str {
        match self {
            Role::Owner => "owner",
            Role::Admin => "admin",
            Role::User => "user",
        }
    }

    pub fn administers(self) -> bool {
        self != Role::User
    }
}
