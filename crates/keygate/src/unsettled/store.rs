//! Every statement about calls of which nobody knows what became.

use rust_decimal::Decimal;
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{app::App, db::Tx, error::Result, gateway::reconcile::Lost};

/// An order or a withdrawal whose answer was lost.
pub struct Row {
    pub request_id: Uuid,
    pub place: i16,
    pub connection_id: Uuid,
    pub connection_name: String,
    pub exchange: String,
    pub api_key_id: Uuid,
    pub access_key_id: Uuid,
    /// `trade` or `withdraw`
    pub kind: String,
    /// Its market, or the asset that is withdrawn.
    pub symbol: Option<String>,
    pub client_id: Option<String>,
    /// What it holds; nothing where nothing about it was limited in dollars.
    pub usd: Option<Decimal>,
    pub made_at: OffsetDateTime,
    /// How often the exchange was to be asked about it.
    pub asked: i32,
    question: Option<Value>,
}

impl Row {
    pub fn lost(&self) -> Lost<'_> {
        let (question, client_id) = (self.question.as_ref(), self.client_id.as_deref());
        Lost { question, client_id, made_at: self.made_at }
    }
}

pub async fn list(app: &App, user: Uuid) -> Result<Vec<Row>> {
    select(app, user, None).await
}

pub async fn find(app: &App, user: Uuid, request: Uuid, place: i16) -> Result<Option<Row>> {
    Ok(select(app, user, Some(request)).await?.into_iter().find(|row| row.place == place))
}

async fn select(app: &App, user: Uuid, request: Option<Uuid>) -> Result<Vec<Row>> {
    let mut tx = app.db.user(user).await?;
    let rows = sqlx::query_as!(
        Row,
        r#"select r.request_id, r.place, r.connection_id, c.name as connection_name, r.exchange, r.api_key_id,
                  r.access_key_id, r.kind, r.symbol, r.client_order_id as client_id, r.usd, r.made_at, r.asked, r.question
           from keygate.reservation r join exchange_connections c on c.id = r.connection_id
           where r.state = 'unknown' and ($1::uuid is null or r.request_id = $1)
           order by r.made_at desc, r.request_id, r.place limit 200"#,
        request
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(rows)
}

/// How many there are, of one connection or of all.
pub async fn count(app: &App, user: Uuid, connection: Option<Uuid>) -> Result<i64> {
    let mut tx = app.db.user(user).await?;
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from keygate.reservation
           where state = 'unknown' and ($1::uuid is null or connection_id = $1)"#,
        connection
    )
    .fetch_one(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(count)
}

/// False: it is known by now what became of it.
pub async fn settle(tx: &mut Tx, row: &Row, happened: bool, at: OffsetDateTime) -> Result<bool> {
    let settled = sqlx::query_scalar!(
        r#"select keygate.settle_reservation($1, $2, $3, $4) as "settled!""#,
        row.request_id,
        row.place,
        happened,
        at
    );
    Ok(settled.fetch_one(&mut **tx).await?)
}
