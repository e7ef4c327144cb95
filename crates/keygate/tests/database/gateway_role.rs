//! What calls are decided by is out of reach of the role that serves them: whoever takes the gateway over cannot let more
//! through.

use crate::world::{Seeded, refusal};

const LOOSENINGS: [&str; 15] = [
    "update api_key_permissions set can_withdraw = true",
    "update api_key_permissions set max_trade_amount_usd = null",
    "update exchange_connections set allowed_symbols = null",
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
];

#[tokio::test]
async fn gateway_lets_nobody_do_more_than_they_were_granted() {
    let seeded = Seeded::new().await;
    for loosening in LOOSENINGS {
        let mut tx = seeded.world.db.signer(seeded.alice).await.unwrap();
        assert_eq!(refusal(&mut tx, loosening).await.as_deref(), Some("42501"), "{loosening}");
    }
}

/// The statements themselves are right: with the owner's role they do what they say, or are stopped by a constraint alone.
#[tokio::test]
async fn owner_may_tie_a_bot_down_and_revoke_a_key() {
    let seeded = Seeded::new().await;
    let mut tx = seeded.user(seeded.alice).await;
    for own in [
        "update bot_configs set symbol = null",
        "update keygate.pending_symbol set effective_at = now()",
        "update access_keys set revoked_at = null",
    ] {
        assert_eq!(refusal(&mut tx, own).await, None, "{own}");
    }
}
