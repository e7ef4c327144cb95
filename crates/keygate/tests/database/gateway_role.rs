//! What calls are decided by is out of reach of the role that serves them: whoever takes the gateway over cannot let more
//! through.

use crate::world::{Seeded, refusal};

const LOOSENINGS: [&str; 27] = [
    "update api_key_permissions set can_withdraw = true",
    "update api_key_permissions set max_trade_amount_usd = null",
    "update exchange_connections set allowed_symbols = null",
    "update exchange_connections set is_enabled = true",
    "update exchange_connections set status = 'active'",
    "update exchange_connections set status = 'active', is_enabled = true, deleted_at = null",
    "update exchange_connections set daily_withdraw_limit = null",
    "insert into keygate.pending_limit (connection_id, member, user_id, value, asked_at, effective_at)
         select id, 'can_withdraw', user_id, 'true', now(), now() from exchange_connections",
    "update bot_configs set symbol = null",
    "update bot_configs set is_active = true",
    "insert into bot_configs (id, user_id, api_key_id, connection_id, name)
         select gen_random_uuid(), user_id, api_key_id, connection_id, 'mine' from bot_configs",
    "insert into keygate.pending_symbol (bot_id, user_id, symbol, asked_at, effective_at)
         select id, user_id, null, now(), now() from bot_configs",
    "update keygate.pending_symbol set effective_at = now()",
    "insert into access_keys (id, user_id, key_hash, key_prefix) values (gen_random_uuid(), keygate.uid(), 'h', 'p')",
    "update access_keys set scopes = array['read', 'trade', 'withdraw']",
    "update access_keys set revoked_at = null",
    "update access_keys set expires_at = null, allowed_ip_addresses = null",
    "update keygate.virtual_key set secret = null",
    "update keygate.pending_limit set effective_at = now()",
    "delete from keygate.pending_limit",
    "update keygate.loosening_delay set seconds = 0",
    "insert into keygate.loosening_delay (user_id, seconds) values (keygate.uid(), 0) on conflict do nothing",
    "delete from keygate.loosening_delay",
    "update keygate.panic set ended_at = now()",
    "delete from keygate.panic",
    "update keygate.suspension set confirmed_at = now()",
    "delete from keygate.suspension",
];

#[tokio::test]
async fn gateway_lets_nobody_do_more_than_they_were_granted() {
    let seeded = Seeded::new().await;
    for loosening in LOOSENINGS {
        let mut tx = seeded.world.db.signer(seeded.alice).await.unwrap();
        assert_eq!(refusal(&mut tx, loosening).await.as_deref(), Some("42501"), "{loosening}");
    }
}

/// Every limit that the API knows, by the name of its column.
#[tokio::test]
async fn no_limit_is_within_reach_of_the_gateway() {
    let mut seeded = Seeded::new().await;
    let document = serde_json::to_value(keygate::openapi::document()).unwrap();
    let limits = document["components"]["schemas"]["Limits"]["properties"].as_object().unwrap();
    assert_eq!(limits.len(), 22);
    for limit in limits.keys() {
        let table = "select table_name::text from information_schema.columns
            where column_name = $1 and table_name in ('api_key_permissions', 'exchange_connections')";
        let table: String =
            sqlx::query_scalar(table).bind(limit).fetch_one(&mut seeded.superuser).await.unwrap();
        let change = format!("update {table} set {limit} = {limit}");
        let mut tx = seeded.world.db.signer(seeded.alice).await.unwrap();
        assert_eq!(refusal(&mut tx, &change).await.as_deref(), Some("42501"), "{change}");
        drop(tx);
        let mut own = seeded.user(seeded.alice).await;
        assert_eq!(refusal(&mut own, &change).await, None, "{change}");
    }
}

/// The statements themselves are right: with the owner's role they do what they say, or are stopped by a constraint alone.
#[tokio::test]
async fn owner_may_change_what_is_theirs() {
    let seeded = Seeded::new().await;
    let mut tx = seeded.user(seeded.alice).await;
    for own in [
        "update bot_configs set symbol = null",
        "update keygate.pending_symbol set effective_at = now()",
        "update access_keys set revoked_at = null",
        "update keygate.pending_limit set effective_at = now()",
        "update keygate.loosening_delay set seconds = 0",
        "update keygate.panic set ended_at = now()",
        "update keygate.suspension set confirmed_at = null",
    ] {
        assert_eq!(refusal(&mut tx, own).await, None, "{own}");
    }
}
