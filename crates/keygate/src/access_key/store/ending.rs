//! The statements about keys that end.

use time::OffsetDateTime;
use uuid::Uuid;

use crate::{app::App, db::Tx, error::Result};

/// A key that ends, as its owner hears of it.
pub struct Ending {
    pub prefix: String,
    pub expires_at: OffsetDateTime,
    pub bot: Option<String>,
    pub connection: Option<Uuid>,
}

/// Keys whose owners have to hear that they end: user, key, and how many days before that is.
pub async fn ending(app: &App) -> Result<Vec<(Uuid, Uuid, i16)>> {
    let mut tx = app.db.service().await?;
    let rows = sqlx::query!(
        r#"select user_id as "user_id!", access_key_id as "access_key_id!", days as "days!"
           from keygate.list_ending_access_keys($1)"#,
        app.clock.now()
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(rows.into_iter().map(|row| (row.user_id, row.access_key_id, row.days)).collect())
}

/// None: it needs no telling any more.
pub async fn note_told(tx: &mut Tx, key: Uuid, days: i16) -> Result<Option<Ending>> {
    Ok(sqlx::query_as!(
        Ending,
        r#"update access_keys k set told_days = $2::smallint
           from access_keys own left join bot_configs b on b.id = own.bot_id
           where own.id = k.id and k.id = $1 and k.revoked_at is null and $2::smallint < coalesce(k.told_days, 31)
           returning k.key_prefix as prefix, k.expires_at as "expires_at!", b.name as "bot?", b.connection_id as "connection?""#,
        key,
        days
    )
    .fetch_optional(&mut **tx)
    .await?)
}
