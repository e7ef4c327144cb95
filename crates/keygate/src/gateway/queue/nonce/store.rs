//! Every statement of the nonces.

use super::Whose;
use crate::db::{Db, Error};

/// Takes the lock of a key and its next nonce. `None`: another replica has the lock.
pub async fn try_take(db: &Db, whose: Whose, natural: i64) -> Result<Option<i64>, Error> {
    let mut tx = db.nonces(whose.user).await?;
    let last = sqlx::query_scalar!(
        r#"with lane as materialized (select pg_try_advisory_lock(hashtextextended($4::text, 60)) as mine)
           insert into keygate.nonce as own (api_key_id, user_id, last)
           select $1, $2, $3 from lane where mine
           on conflict (api_key_id) do update set last = greatest(own.last + 1, excluded.last)
           returning last"#,
        whose.api_key,
        whose.user,
        natural,
        whose.api_key.to_string()
    )
    .fetch_optional(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(last)
}

/// Gives the lock of a key back.
pub async fn unlock(db: &Db, whose: Whose) -> Result<(), Error> {
    let mut tx = db.nonces(whose.user).await?;
    sqlx::query!("select pg_advisory_unlock(hashtextextended($1::text, 60))", whose.api_key.to_string())
        .fetch_one(&mut *tx)
        .await?;
    tx.commit().await
}
