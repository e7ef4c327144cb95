//! `/api/v1/audit`: what the pages say of the proof.

use std::sync::Arc;

use axum::{Json as Answer, extract::State as Shared};
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    State,
    state::{Signed, Verification},
};
use crate::{
    app::App,
    auth::{May, View},
    error::Result,
};

#[derive(Serialize, ToSchema)]
struct AuditOut {
    /// Your records that are links of a chain.
    records: i64,
    /// How many of them the newest checkpoint of this server covers.
    covered: i64,
    /// The newest checkpoint of this server; null if it has made none yet.
    checkpoint: Option<CheckpointOut>,
    /// The last time that all records were verified on the server's machine.
    verified: Option<VerifiedOut>,
    /// Records have waited for a checkpoint for more than five minutes.
    is_late: bool,
    /// The last checkpoint could not be made; the log of the server says why.
    has_failed: bool,
    /// A checkpoint has seen more records than there are: the database is an older one, or records were removed.
    has_lost: bool,
}

#[derive(Serialize, ToSchema)]
struct CheckpointOut {
    number: u64,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
}

#[derive(Serialize, ToSchema)]
struct VerifiedOut {
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    /// Of everybody.
    records: u64,
    findings: usize,
}

impl From<State> for AuditOut {
    fn from(state: State) -> Self {
        let (is_late, has_lost) = (state.is_late(), state.has_lost());
        let State { records, covered, checkpoint, verified, has_failed, .. } = state;
        let checkpoint = checkpoint.map(|Signed { number, at }| CheckpointOut { number, at });
        let verified =
            verified.map(|Verification { at, records, findings }| VerifiedOut { at, records, findings });
        AuditOut { records, covered, checkpoint, verified, is_late, has_failed, has_lost }
    }
}

/// How many of your records are chained, and when that was last signed and verified. It proves nothing: `keygate audit verify`
/// on the server's machine does.
#[utoipa::path(get, path = "/api/v1/audit", tag = "audit", responses((status = 200, body = AuditOut)))]
async fn show(Shared(app): Shared<Arc<App>>, may: May<View>) -> Result<Answer<AuditOut>> {
    Ok(Answer(super::state(&app, may.user()).await?.into()))
}

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(show))
}
