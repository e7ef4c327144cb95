//! Every statement about what is not settled yet.

use serde_json::Value;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::{app::App, error::Result};

/// A reservation that is not settled.
pub struct Open {
    pub request: Uuid,
    pub place: i16,
    pub user: Uuid,
    pub connection: Uuid,
    pub api_key: Uuid,
    pub access_key: Uuid,
    pub kind: String,
    pub symbol: Option<String>,
    pub client_order_id: Option<String>,
    pub question: Option<Value>,
    pub state: String,
    /// How often it was.
    pub asked: i32,
    pub made_at: OffsetDateTime,
}

/// What is due, each taken by one replica: its next time is set first, a little later each time.
pub async fn take_due(app: &App, next: Duration) -> Result<Vec<Open>> {
    let now = app.clock.now();
    let mut tx = app.db.service().await?;
    let due = sqlx::query!(
        r#"select request_id as "request_id!", place as "place!", user_id as "user_id!"
           from keygate.list_unsettled($1, $2)"#,
        now,
        MOST
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    let mut taken = Vec::new();
    for row in due {
        let mut tx = app.db.signer(row.user_id).await?;
        let open = sqlx::query_as!(
            Open,
            r#"update keygate.reservation
               set ask_at = $3::timestamptz + least(asked + 1, 20) * $4::float8 * interval '1 second'
               where request_id = $1 and place = $2 and ask_at <= $3
               returning request_id as request, place, user_id as "user", connection_id as connection,
                         api_key_id as api_key, access_key_id as access_key, kind, symbol, client_order_id, question,
                         state, asked, made_at"#,
            row.request_id,
            row.place,
            now,
            next.as_seconds_f64()
        )
        .fetch_optional(&mut *tx)
        .await?;
        tx.commit().await?;
        taken.extend(open);
    }
    Ok(taken)
}

/// The exchange was asked about it once more, or could not be; unless it is asked again, that was the last time.
pub async fn note_asked(app: &App, open: &Open, again: bool) -> Result<()> {
    let mut tx = app.db.signer(open.user).await?;
    sqlx::query!(
        "update keygate.reservation set asked = asked + 1, ask_at = case when $3 then ask_at end
         where request_id = $1 and place = $2",
        open.request,
        open.place,
        again
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

const MOST: i32 = 200;
