//! What a change of the management side goes on record with: the request it came with, and who sent that.

use std::{convert::Infallible, sync::Arc};

use axum::extract::FromRequestParts;
use http::request::Parts;

use super::Client;
use crate::{app::App, http::RequestId};

/// Nobody sent what Keygate does by itself.
#[derive(Clone, Debug)]
pub struct Origin {
    pub request: RequestId,
    pub client: Option<Client>,
}

impl From<RequestId> for Origin {
    fn from(request: RequestId) -> Origin {
        Origin { request, client: None }
    }
}

impl From<&Origin> for Origin {
    fn from(origin: &Origin) -> Origin {
        origin.clone()
    }
}

impl FromRequestParts<Arc<App>> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        let request = parts.extensions.get::<RequestId>().copied();
        let request = request.unwrap_or_else(|| RequestId(app.clock.id()));
        Ok(Origin { request, client: Some(Client::from_request_parts(parts, app).await?) })
    }
}
