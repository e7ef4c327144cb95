//! Loading an account: the access key by its public half, then everything else under its owner's context.

use seal::{UserKey, mac};
use sqlx::types::ipnetwork::IpNetwork;
use uuid::Uuid;

use super::{Account, Bait, Bot, Connection, KeptConnection, KeptPair, Missing, StoredPair};
use crate::{
    app::App,
    connection::secrets::{self, SealedConnection},
    error::{Error, Result},
    gateway::Denial,
    key_ring, limits, panic, risk,
};

/// The access key, before anything of its owner is read.
struct KeyRow {
    id: Uuid,
    user: Uuid,
    bot: Option<Uuid>,
    hash: String,
    prefix: String,
    scopes: Vec<String>,
    expires_at: Option<time::OffsetDateTime>,
    revoked: bool,
    addresses: Option<Vec<IpNetwork>>,
    user_is_active: bool,
    honey: bool,
    pair: StoredPair,
}

pub async fn load(
    app: &App,
    prefix: &str,
    exchange: &str,
    connection: Option<&str>,
    hash: Option<&str>,
) -> Result<Result<Account, Missing>> {
    let Some(key) = find_key(app, prefix, exchange).await? else {
        return Ok(Err(Denial::unknown().into()));
    };
    if key.honey {
        return Ok(Err(bait(app, key).await?));
    }
    // which connections there are is for nobody who has half a token
    let is_half = hash.is_some_and(|own| !mac::equal(own.as_bytes(), key.hash.as_bytes()));
    let absent = |denial| if is_half { Denial::unknown().into() } else { denial };
    let mut tx = app.db.signer(key.user).await?;
    let rows = sqlx::query!(
        r#"select c.id, c.deleted_at, c.api_key_id as "api_key_id!", coalesce(c.environment, 'production') as "environment!",
                  case when c.deleted_at is not null or not coalesce(k.is_active, false) then 'deleted'
                       when c.is_enabled is not true then 'paused' else coalesce(c.status, 'active') end as "status!",
                  c.encrypted_api_key, c.encrypted_secret_key, c.encrypted_passphrase, c.key_encryption_salt, c.connection_metadata,
                  b.id as "bot_id?", b.is_active as "bot_is_active?", b.symbol as "bot_symbol?"
           from exchange_connections c
           join api_keys k on k.id = c.api_key_id
           left join bot_configs b on b.id = $1
           where c.exchange_type = $2
             and case when $1::uuid is not null then c.id = b.connection_id
                      when $3::text is not null then (c.id::text = $3 or c.name = $3)
                      else c.is_default is true end
           order by c.deleted_at nulls first, c.created_at limit 2"#,
        key.bot,
        exchange,
        connection
    )
    .fetch_all(&mut *tx)
    .await?;
    // a name is somebody's once in each environment
    if rows.iter().filter(|row| row.deleted_at.is_none()).count() > 1 {
        return Ok(Err(absent(ambiguous().into())));
    }
    let row = rows.into_iter().next();
    let (limits, stopped) = match &row {
        Some(row) => (limits::load(&mut tx, row.id).await?, panic::holds(&mut tx, row.id).await?),
        None => (None, false),
    };
    let suspended = risk::is_suspended(&mut tx, key.id).await?;
    let user_key = key_ring::load_user_key(&mut tx, key.user).await?;
    tx.commit().await?;
    let Some((row, limits)) = row.zip(limits) else {
        let why = "there is no connection for this access key at this exchange";
        return Ok(Err(absent(Denial::denied("no-connection", why).into())));
    };
    let (version, wrapped) =
        user_key.ok_or_else(|| Error::internal("a user with a connection has no key"))?;
    let user_key = UserKey::open(&app.keys.keyring, key.user, version, &wrapped).map_err(Error::internal)?;
    let sealed = SealedConnection {
        salt: row.key_encryption_salt,
        api_key: row.encrypted_api_key,
        secret: row.encrypted_secret_key,
        passphrase: row.encrypted_passphrase,
        options: secrets::options(row.connection_metadata),
    };
    let keys = (&app.keys.process, &user_key);
    let real = KeptConnection::read(keys, row.id, &sealed).map_err(Error::internal)?;
    let pair = KeptPair::read(keys, key.id, &key.prefix, key.pair).map_err(Error::internal)?;
    let bot = row.bot_id.map(|id| Bot {
        id,
        is_active: row.bot_is_active.unwrap_or(false),
        symbol: row.bot_symbol,
    });
    Ok(Ok(Account {
        access_key: key.id,
        key_prefix: key.prefix,
        key_hash: key.hash,
        user: key.user,
        user_is_active: key.user_is_active,
        scopes: key.scopes,
        expires_at: key.expires_at,
        revoked: key.revoked,
        allowed_addresses: key.addresses,
        bot,
        connection: Connection {
            id: row.id,
            api_key: row.api_key_id,
            environment: row.environment,
            status: row.status,
            key: real,
        },
        named: connection.map(str::to_owned),
        limits,
        stopped,
        suspended,
        pair,
    }))
}

fn ambiguous() -> Denial {
    Denial::denied(
        "ambiguous-connection",
        "two connections at this exchange fit: name one by its id in X-Keygate-Connection",
    )
}

/// Whose it is. Bait that was revoked, or whose bot is gone, is a key like any other that nobody knows.
async fn bait(app: &App, key: KeyRow) -> Result<Missing> {
    let mut tx = app.db.signer(key.user).await?;
    let row = sqlx::query!(
        r#"select b.id as bot, c.id as connection, c.api_key_id as "api_key!",
                  coalesce(c.environment, 'production') as "environment!"
           from bot_configs b join exchange_connections c on c.id = b.connection_id where b.id = $1"#,
        key.bot
    )
    .fetch_optional(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(match row.filter(|_| !key.revoked) {
        Some(row) => Missing::Bait(Box::new(Bait {
            access_key: key.id,
            key_prefix: key.prefix,
            user: key.user,
            bot: row.bot,
            api_key: row.api_key,
            connection: row.connection,
            environment: row.environment,
        })),
        None => Denial::unknown().into(),
    })
}

async fn find_key(app: &App, prefix: &str, exchange: &str) -> Result<Option<KeyRow>> {
    let mut tx = app.db.gate().await?;
    let row = sqlx::query!(
        r#"select access_key_id as "id!", user_id as "user_id!", bot_id, key_hash as "key_hash!", key_prefix as "key_prefix!",
                  scopes as "scopes!", expires_at, revoked_at, allowed_ip_addresses, user_is_active as "user_is_active!", secret, passphrase,
                  public_key_pem, honey as "honey!"
           from keygate.find_access_key_by_prefix($1, $2)"#,
        prefix,
        exchange
    )
    .fetch_optional(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(row.map(|row| KeyRow {
        id: row.id,
        user: row.user_id,
        bot: row.bot_id,
        hash: row.key_hash,
        prefix: row.key_prefix,
        scopes: row.scopes,
        expires_at: row.expires_at,
        revoked: row.revoked_at.is_some(),
        addresses: row.allowed_ip_addresses,
        user_is_active: row.user_is_active,
        honey: row.honey,
        pair: StoredPair {
            secret: row.secret,
            passphrase: row.passphrase,
            public_key_pem: row.public_key_pem,
        },
    }))
}
