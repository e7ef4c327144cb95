//! Records of what happened with a key. They are only ever added; the database grants nobody the right to
//! change or remove them.

use uuid::Uuid;

use crate::{app::App, db::Tx, error::Result, http::RequestId};

/// One thing the management side did to a key, recorded in the transaction that does it.
pub async fn key_event(
    app: &App,
    tx: &mut Tx,
    request: RequestId,
    api_key: Uuid,
    operation: &str,
    exchange: &str,
    failure: Option<&str>,
) -> Result<()> {
    sqlx::query!(
        "select keygate.record_key_event($1, $2, $3, $4, $5, p_success => $6, p_error_message => $7, p_exchange => $8)",
        app.clock.id(),
        request.0,
        api_key,
        operation,
        "management",
        failure.is_none(),
        failure,
        exchange
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
