//! Every statement of the ledger. All of them take many rows at once: a column is an array.

use std::collections::{BTreeSet, HashMap};

use rust_decimal::Decimal;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{Became, Outcome, Share, Window};
use crate::{
    app::App,
    db::{self, Tx},
};

/// One window of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    connection: Uuid,
    window: Window,
    starts_at: OffsetDateTime,
}

/// A reservation that was given back just now.
pub(super) struct Kept {
    pub user: Uuid,
    connection: Uuid,
    kind: String,
    made_at: OffsetDateTime,
    pub usd: Decimal,
}

impl Key {
    pub fn new(connection: Uuid, window: Window, at: OffsetDateTime) -> Self {
        Key { connection, window, starts_at: window.start(at) }
    }

    pub fn connection(&self) -> Uuid {
        self.connection
    }

    pub fn kind(&self) -> &'static str {
        self.window.name()
    }

    pub fn starts_at(&self) -> OffsetDateTime {
        self.starts_at
    }

    /// Whether the window goes on at this moment.
    pub fn is_current(&self, at: OffsetDateTime) -> bool {
        self.window.start(at) == self.starts_at
    }
}

impl Kept {
    pub fn keys(&self) -> impl Iterator<Item = Key> {
        let (connection, at) = (self.connection, self.made_at);
        Window::of(&self.kind).iter().map(move |window| Key::new(connection, *window, at))
    }
}

/// Locks windows until commit, always in the same order, and says how much of each is used. A window nobody has used yet
/// begins here.
async fn lock_windows(
    tx: &mut Tx,
    user: Uuid,
    keys: BTreeSet<Key>,
) -> Result<HashMap<Key, Decimal>, db::Error> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let keys: Vec<Key> = keys.into_iter().collect();
    let rows = sqlx::query!(
        r#"insert into keygate.spend_window as own (connection_id, kind, starts_at, user_id, used)
           select k.connection_id, k.kind, k.starts_at, $4, 0
           from unnest($1::uuid[], $2::text[], $3::timestamptz[]) as k (connection_id, kind, starts_at)
           on conflict (connection_id, kind, starts_at) do update set used = own.used
           returning connection_id, kind, starts_at, used"#,
        &column(&keys, |key| key.connection),
        &column(&keys, |key| key.window.name()) as &[&str],
        &column(&keys, |key| key.starts_at),
        user
    )
    .fetch_all(&mut **tx)
    .await?;
    let found = |row: &Key| rows.iter().find(|own| row.is(own.connection_id, &own.kind, own.starts_at));
    Ok(keys.iter().filter_map(|key| Some((*key, found(key)?.used))).collect())
}

async fn write_windows(tx: &mut Tx, changed: &[(Key, Decimal)]) -> Result<(), db::Error> {
    if changed.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "update keygate.spend_window as own set used = k.used
         from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::numeric[]) as k (connection_id, kind, starts_at, used)
         where own.connection_id = k.connection_id and own.kind = k.kind and own.starts_at = k.starts_at",
        &column(changed, |(key, _)| key.connection),
        &column(changed, |(key, _)| key.window.name()) as &[&str],
        &column(changed, |(key, _)| key.starts_at),
        &column(changed, |(_, used)| *used)
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Settles reservations that are open, and returns what is free again. One that is settled stays as it is.
pub(super) async fn change_states(
    tx: &mut Tx,
    outcomes: &[&Outcome],
    now: OffsetDateTime,
) -> Result<Vec<Kept>, db::Error> {
    if outcomes.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query!(
        r#"update keygate.reservation as own set state = k.state, changed_at = $4::timestamptz,
                ask_at = case when k.state = 'unknown' then $4::timestamptz + $5::float8 * interval '1 second' end
           from unnest($1::uuid[], $2::int2[], $3::text[]) as k (request_id, place, state)
           where own.request_id = k.request_id and own.place = coalesce(k.place, own.place)
             and own.state in ('reserved', 'sent', 'unknown')
           returning own.user_id, own.connection_id, own.kind, own.made_at, own.usd, own.state"#,
        &column(outcomes, |outcome| outcome.line.request_id),
        &column(outcomes, |outcome| outcome.place) as &[Option<i16>],
        &column(outcomes, |outcome| outcome.became.state()) as &[&str],
        now,
        NEXT_QUESTION.as_seconds_f64()
    )
    .fetch_all(&mut **tx)
    .await?;
    let free = rows.into_iter().filter(|row| row.state == Became::Rejected.state());
    Ok(free
        .filter_map(|row| {
            Some(Kept {
                user: row.user_id,
                connection: row.connection_id,
                kind: row.kind,
                made_at: row.made_at,
                usd: row.usd?,
            })
        })
        .collect())
}

/// Which of these calls have an intent on record.
pub(super) async fn intended(tx: &mut Tx, requests: &[Uuid]) -> Result<Vec<Uuid>, db::Error> {
    let rows = sqlx::query_scalar!(
        r#"select distinct request_id as "request_id!" from api_key_usage_audit
           where request_id = any($1) and phase = 'intent'"#,
        requests
    );
    Ok(rows.fetch_all(&mut **tx).await?)
}

/// Windows that are long over, and what was reserved in them, as far as it is settled.
pub async fn forget_windows(app: &App) -> Result<(), db::Error> {
    let mut tx = app.db.service().await?;
    let before = app.clock.now() - KEPT;
    sqlx::query!("delete from keygate.spend_window where starts_at < $1", before).execute(&mut *tx).await?;
    sqlx::query!(
        "delete from keygate.reservation where state in ('confirmed', 'rejected') and made_at < $1",
        before
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await
}

impl Key {
    fn is(&self, connection: Uuid, window: &str, starts_at: OffsetDateTime) -> bool {
        self.connection == connection && self.window.name() == window && self.starts_at == starts_at
    }
}

/// One value of each row.
pub(super) fn column<R, T>(rows: &[R], value: impl Fn(&R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}

/// The policy of the service's role lets it see no younger ones.
const KEPT: Duration = Duration::days(101);
/// When the exchange is asked about a call whose answer was lost.
const NEXT_QUESTION: Duration = Duration::seconds(5);

/// Takes as much of each window as is wanted, or as is left; in a dry run as is wanted, once nothing is left.
pub(super) async fn lease(
    tx: &mut Tx,
    user: Uuid,
    wanted: &[(Key, Decimal, Decimal)],
    dry: bool,
) -> Result<Vec<Share>, db::Error> {
    let used = lock_windows(tx, user, wanted.iter().map(|(key, ..)| *key).collect()).await?;
    let take = |(key, wanted, limit): &(Key, Decimal, Decimal)| {
        let used = used.get(key).copied().unwrap_or_default();
        let left = (limit - used).max(Decimal::ZERO);
        let is_over = dry && left.is_zero();
        let count = if is_over { *wanted } else { (*wanted).min(left) };
        (*key, used, Share { count, is_over })
    };
    let taken: Vec<(Key, Decimal, Share)> = wanted.iter().map(take).collect();
    let some = taken.iter().filter(|(.., own)| !own.count.is_zero());
    let changed: Vec<(Key, Decimal)> = some.map(|(key, used, own)| (*key, used + own.count)).collect();
    write_windows(tx, &changed).await?;
    Ok(taken.into_iter().map(|(.., own)| own).collect())
}
