//! Shares of the windows that count requests.

use rust_decimal::Decimal;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Window, store};
use crate::{app::App, db};

/// What was taken of a window; more than its limit only in a dry run.
#[derive(Clone, Copy)]
pub struct Share {
    pub count: Decimal,
    pub is_over: bool,
}

/// Takes a share of request windows for this instance: so much of each, or what is left of it.
pub async fn lease(
    app: &App,
    user: Uuid,
    connection: Uuid,
    at: OffsetDateTime,
    limits: &[(Window, u32)],
    share_of: fn(u32) -> Decimal,
    dry: bool,
) -> Result<Vec<(Window, Share)>, db::Error> {
    let key = |window| store::Key::new(connection, window, at);
    let wanted: Vec<_> = limits
        .iter()
        .map(|(window, limit)| (key(*window), share_of(*limit), Decimal::from(*limit)))
        .collect();
    let mut tx = app.db.signer(user).await?;
    let taken = store::lease(&mut tx, user, &wanted, dry).await?;
    tx.commit().await?;
    Ok(limits.iter().map(|(window, _)| *window).zip(taken).collect())
}
