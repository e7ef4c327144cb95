//! Two users with a row in every table, and how a row of each table is made.

use sqlx::{AssertSqlSafe, PgConnection};

/// A table as the probes see it. Braces are filled in by [`Table::fill`].
pub struct Table {
    pub name: &'static str,
    /// How to insert row `{n}` of a user.
    pub insert: &'static str,
    /// Which row is number `{n}` of a user.
    pub row: &'static str,
    /// What `on conflict` names.
    pub conflict: &'static str,
    /// A column that those with an UPDATE right may set.
    pub column: &'static str,
    /// What to set it to: a constant, since reading any column asks the SELECT policy too.
    pub value: &'static str,
    /// What would hand a row to the user `{thief}`.
    pub give: Option<&'static str>,
}

pub const ALICE: u8 = 0xa;
pub const BOB: u8 = 0xb;

/// A key that has no permissions and no schedule yet.
pub const SPARE_KEY: u8 = 0xf;

const GIVE_USER: Option<&str> = Some("user_id = '{thief}'");

/// Every table with row security, parents first.
pub const TABLES: [Table; 42] = [
    Table {
        name: "public.users",
        insert: "(id, email, name, password_hash) values ('{user}', '{tag}@example.test', 'n', '!')",
        row: "id = '{user}'",
        conflict: "id",
        column: "name",
        value: "'m'",
        give: Some("id = '{thief}'"),
    },
    Table {
        name: "public.exchanges",
        insert: "(exchange_name) values ('{tag}')",
        row: "exchange_name in ('Coinone', '{tag}')",
        conflict: "exchange_name",
        column: "definition",
        value: "'m'",
        give: None,
    },
    Table {
        name: "public.user_encryption_keys",
        insert: "(user_id, encrypted_key, key_iv, kid) values ('{user}', 'kgm1.1.{sealed}', '{iv}', 1)",
        row: "user_id = '{user}'",
        conflict: "user_id",
        column: "key_iv",
        value: "'BBBBBBBBBBBBBBBB'",
        give: GIVE_USER,
    },
    Table {
        name: "keygate.user_key_history",
        insert: "(user_id, version, encrypted_key, key_iv, kid, created_at)
                 values ('{user}', {n}, 'kgm1.1.{sealed}', '{iv}', 1, now())",
        row: "user_id = '{user}' and version = {n}",
        conflict: "user_id, version",
        column: "key_iv",
        value: "'BBBBBBBBBBBBBBBB'",
        give: GIVE_USER,
    },
    Table {
        name: "public.api_keys",
        insert: "(id, user_id, exchange, encrypted_api_key, encrypted_secret, key_iv, secret_iv, name)
                 values ('{id}', '{user}', 'binance', 'kg1.1.{sealed}', 'kg1.1.{sealed}', '{iv}', '{iv}', '{tag}')",
        row: "id = '{id}'",
        conflict: "id",
        column: "last_used",
        value: "now()",
        give: GIVE_USER,
    },
    Table {
        name: "public.api_key_permissions",
        insert: "(id, api_key_id) values ('{id}', '{key}')",
        row: "id = '{id}'",
        conflict: "id",
        column: "can_trade",
        value: "true",
        give: Some("api_key_id = '{thief_key}'"),
    },
    Table {
        name: "public.api_key_rotation_schedule",
        insert: "(id, api_key_id, user_id, next_rotation_due) values ('{id}', '{key}', '{user}', now())",
        row: "id = '{id}'",
        conflict: "id",
        column: "is_overdue",
        value: "true",
        give: GIVE_USER,
    },
    Table {
        name: "public.encrypted_api_keys",
        insert: "(id, user_id, exchange, key_name, encrypted_api_key, encrypted_secret)
                 values ('{id}', '{user}', 'binance', '{tag}', 'kg1.1.{sealed}', 'kg1.1.{sealed}')",
        row: "id = '{id}'",
        conflict: "id",
        column: "is_testnet",
        value: "true",
        give: GIVE_USER,
    },
    Table {
        name: "public.vault_metadata",
        insert: "(id, user_id, salt) values ('{id}', '{user}', '{sealed}')",
        row: "id = '{id}'",
        conflict: "id",
        column: "kdf_memory",
        value: "1",
        give: GIVE_USER,
    },
    Table {
        name: "public.encrypted_exchange_credentials",
        insert: "(id, user_id, exchange_name, exchange_account_label, encrypted_api_key, encrypted_api_secret, iv)
                 values ('{id}', '{user}', 'binance', '{tag}', 'kg1v.1.1.{sealed}', 'kg1v.1.1.{sealed}', '{iv}')",
        row: "id = '{id}'",
        conflict: "id",
        column: "usage_count",
        value: "1",
        give: GIVE_USER,
    },
    Table {
        name: "public.vault_access_log",
        insert: "(id, user_id, event_type) values ('{id}', '{user}', 'unlock')",
        row: "id = '{id}'",
        conflict: "id",
        column: "success",
        value: "false",
        give: GIVE_USER,
    },
    Table {
        name: "public.exchange_connections",
        insert: "(id, user_id, name, exchange_type, encrypted_api_key, encrypted_secret_key, key_encryption_salt,
                  created_at, api_key_id)
                 values ('{id}', '{user}', '{tag}', 'binance', '\\x01{blob}', '\\x01{blob}', '\\x{salt}', now(), '{key}')",
        row: "id = '{id}'",
        conflict: "id",
        column: "status",
        value: "'m'",
        give: GIVE_USER,
    },
    Table {
        name: "public.exchange_balances",
        insert: "(id, connection_id, user_id, symbol, total_balance, available_balance, locked_balance, synced_at)
                 values ('{id}', '{connection}', '{user}', '{tag}', 1, 1, 0, now())",
        row: "id = '{id}'",
        conflict: "id",
        column: "usd_value",
        value: "1",
        give: GIVE_USER,
    },
    Table {
        name: "public.exchange_api_calls",
        insert: "(id, connection_id, user_id, endpoint, method, created_at)
                 values ('{id}', '{connection}', '{user}', '/api/v3/order', 'POST', now())",
        row: "id = '{id}'",
        conflict: "id",
        column: "success",
        value: "false",
        give: GIVE_USER,
    },
    Table {
        name: "public.api_key_usage_audit",
        insert: "(id, api_key_id, user_id, operation_type, endpoint)
                 values ('{id}', '{key}', '{user}', 'order', '/api/v3/order')",
        row: "id = '{id}'",
        conflict: "id",
        column: "success",
        value: "false",
        give: GIVE_USER,
    },
    Table {
        name: "public.site_api_keys",
        insert: "(id, provider, encrypted_key) values ('{id}', '{tag}', 'kms1.file.{sealed}')",
        row: "id = '{id}'",
        conflict: "id",
        column: "notes",
        value: "'m'",
        give: None,
    },
    Table {
        name: "public.integration_tokens",
        insert: "(id, user_id, integration_type, access_token) values ('{id}', '{user}', '{tag}', 'kg1.1.{sealed}')",
        row: "id = '{id}'",
        conflict: "id",
        column: "scopes",
        value: "'{}'",
        give: GIVE_USER,
    },
    Table {
        name: "public.integrations",
        insert: "(id, user_id, integration_type) values ('{id}', '{user}', '{tag}')",
        row: "id = '{id}'",
        conflict: "id",
        column: "enabled",
        value: "true",
        give: GIVE_USER,
    },
    Table {
        name: "public.bot_configs",
        insert: "(id, user_id, api_key_id, connection_id, name)
                 values ('{id}', '{user}', '{first_key}', '{connection}', '{tag}')",
        row: "id = '{id}'",
        conflict: "id",
        column: "is_active",
        value: "false",
        give: GIVE_USER,
    },
    Table {
        name: "public.access_keys",
        insert: "(id, user_id, key_hash, key_prefix, bot_id)
                 values ('{id}', '{user}', encode(sha256('{tag}'), 'hex'), '{tag}', '{bot}')",
        row: "id = '{id}'",
        conflict: "id",
        column: "last_used_at",
        value: "now()",
        give: GIVE_USER,
    },
    Table {
        name: "keygate.virtual_key",
        insert: "(access_key_id, user_id, exchange, public_key, secret)
                 values ('{access_key}', '{user}', 'x{n}', '{tag}', 'kg1.1.{sealed}')",
        row: "access_key_id = '{access_key}' and exchange = 'x{n}'",
        conflict: "access_key_id, exchange",
        column: "secret",
        value: "'kg1.1.' || repeat('B', 66)",
        give: GIVE_USER,
    },
    Table {
        name: "keygate.setup_link",
        insert: "(token_hash, expires_at) values (encode(sha256('{tag}'), 'hex'), now())",
        row: "token_hash = encode(sha256('{tag}'), 'hex')",
        conflict: "token_hash",
        column: "used_at",
        value: "now()",
        give: None,
    },
    Table {
        name: "keygate.session",
        insert: "(id, user_id, token_hash, security_stamp, created_at, last_seen_at, expires_at, confirmed_at)
                 values ('{id}', '{user}', encode(sha256('{tag}'), 'hex'), 1, now(), now(), now(), now())",
        row: "id = '{id}'",
        conflict: "id",
        column: "user_agent",
        value: "'m'",
        give: GIVE_USER,
    },
    Table {
        name: "keygate.refresh_family",
        insert: "(id, user_id, security_stamp, created_at, expires_at) values ('{id}', '{user}', 1, now(), now())",
        row: "id = '{id}'",
        conflict: "id",
        column: "revoked_because",
        value: "'m'",
        give: GIVE_USER,
    },
    Table {
        name: "keygate.refresh_token",
        insert: "(token_hash, family_id, user_id, created_at, expires_at)
                 values (encode(sha256('{tag}'), 'hex'), '{family}', '{user}', now(), now())",
        row: "token_hash = encode(sha256('{tag}'), 'hex')",
        conflict: "token_hash",
        column: "used_at",
        value: "now()",
        give: GIVE_USER,
    },
    Table {
        name: "keygate.device",
        insert: "(token_hash, user_id, created_at, last_used_at)
                 values (encode(sha256('{tag}'), 'hex'), '{user}', now(), now())",
        row: "token_hash = encode(sha256('{tag}'), 'hex')",
        conflict: "token_hash",
        column: "last_used_at",
        value: "now()",
        give: GIVE_USER,
    },
    Table {
        name: "keygate.login_bucket",
        insert: "(bucket, window_start, attempts) values (sha256('{tag}'), now(), 1)",
        row: "bucket = sha256('{tag}')",
        conflict: "bucket",
        column: "attempts",
        value: "2",
        give: None,
    },
    Table {
        name: "keygate.used_signature",
        insert: "(access_key_id, signature_id, user_id, used_at, forget_after)
                 values ('{access_key}', sha256('{tag}'), '{user}', now(), now())",
        row: "access_key_id = '{access_key}' and signature_id = sha256('{tag}')",
        conflict: "access_key_id, signature_id",
        column: "forget_after",
        value: "now()",
        give: GIVE_USER,
    },
    Table {
        name: "keygate.own_key",
        insert: "(id, user_id, exchange, environment, kind, public_key_pem, secret, created_at, expires_at)
                 values ('{id}', '{user}', 'binance', 'production', 'ed25519', '-----BEGIN PUBLIC KEY-----',
                         'kg1.1.{sealed}', now(), now() + interval '7 days')",
        row: "id = '{id}'",
        conflict: "id",
        column: "secret",
        value: "'kg1.1.' || repeat('B', 66)",
        give: GIVE_USER,
    },
    Table {
        name: "keygate.nonce",
        insert: "(api_key_id, user_id, last) values ('{key}', '{user}', 1700000000000)",
        row: "api_key_id = '{key}'",
        conflict: "api_key_id",
        column: "last",
        value: "1700000000001",
        give: GIVE_USER,
    },
    Table {
        name: "keygate.spend_window",
        insert: "(connection_id, kind, starts_at, user_id, used)
                 values ('{connection}', 'trade-day', '2026-01-{n} 00:00Z', '{user}', 1)",
        row: "connection_id = '{connection}' and starts_at = '2026-01-{n} 00:00Z'",
        conflict: "connection_id, kind, starts_at",
        column: "used",
        value: "2",
        give: GIVE_USER,
    },
    Table {
        name: "keygate.reservation",
        insert: "(request_id, place, user_id, connection_id, api_key_id, access_key_id, kind, exchange, environment, state,
                  made_at, changed_at)
                 values ('{id}', 0, '{user}', '{connection}', '{key}', '{access_key}', 'trade', 'binance', 'production',
                  'reserved', now(), now())",
        row: "request_id = '{id}'",
        conflict: "request_id, place",
        column: "state",
        value: "'sent'",
        give: GIVE_USER,
    },
    Table {
        name: "keygate.day_worth",
        insert: "(connection_id, day, user_id, usd, seen_at)
                 values ('{connection}', date '2026-01-01' + {n}, '{user}', 1, now())",
        row: "connection_id = '{connection}' and day = date '2026-01-01' + {n}",
        conflict: "connection_id, day",
        column: "lost_at",
        value: "now()",
        give: GIVE_USER,
    },
    Table {
        name: "keygate.pending_limit",
        insert: "(connection_id, member, user_id, value, asked_at, effective_at)
                 values ('{connection}', 'member_' || chr(96 + {n}), '{user}', 'null', now(), now())",
        row: "connection_id = '{connection}' and member = 'member_' || chr(96 + {n})",
        conflict: "connection_id, member",
        column: "value",
        value: "'1'",
        give: GIVE_USER,
    },
    Table {
        name: "keygate.pending_symbol",
        insert: "(bot_id, user_id, symbol, asked_at, effective_at)
                 values ('{bot}', '{user}', 'BTC/USDT', now(), now())",
        row: "bot_id = '{bot}'",
        conflict: "bot_id",
        column: "symbol",
        value: "'ETH/USDT'",
        give: GIVE_USER,
    },
    Table {
        name: "keygate.idempotency_key",
        insert: "(user_id, key_mac, id, request_mac, started_at, run, claimed_until, status, answer_until)
                 values ('{user}', sha256('{tag}'), '{id}', sha256('{tag}'), now(), '{id}', now(), 201,
                         now() + interval '1 hour')",
        row: "key_mac = sha256('{tag}')",
        conflict: "user_id, key_mac",
        column: "answer",
        value: "null",
        give: GIVE_USER,
    },
    Table {
        name: "keygate.loosening_delay",
        insert: "(user_id, seconds) values ('{user}', 1)",
        row: "user_id = '{user}'",
        conflict: "user_id",
        column: "seconds",
        value: "2",
        give: GIVE_USER,
    },
    Table {
        name: "keygate.panic",
        insert: "(id, user_id, reason, started_at, started_by, ended_at, ended_by)
                 values ('{id}', '{user}', '{tag}', now(), '{user}', now(), '{user}')",
        row: "id = '{id}'",
        conflict: "id",
        column: "ended_at",
        value: "now()",
        give: GIVE_USER,
    },
    Table {
        name: "keygate.alert",
        insert: "(id, user_id, kind, severity, subject, text, first_at, last_at)
                 values ('{id}', '{user}', 'raised', 'notice', '{tag}', 'Something.', now(), now())",
        row: "id = '{id}'",
        conflict: "id",
        column: "acknowledged_at",
        value: "now()",
        give: GIVE_USER,
    },
    Table {
        name: "keygate.order_sweep",
        insert: "(panic_id, connection_id, user_id, asked_at, taken_until)
                 values ('{id}', '{connection}', '{user}', now(), now())",
        row: "panic_id = '{id}'",
        conflict: "panic_id, connection_id",
        column: "ended_at",
        value: "now()",
        give: GIVE_USER,
    },
    Table {
        name: "keygate.audit_head",
        insert: "(user_id, log, seq, mac)
                 values ('{user}', (array['exchange_api_calls', 'api_key_usage_audit'])[1 + {n} % 2], 1, sha256('{tag}'))",
        row: "user_id = '{user}' and log = (array['exchange_api_calls', 'api_key_usage_audit'])[1 + {n} % 2]",
        conflict: "user_id, log",
        column: "seq",
        value: "2",
        give: GIVE_USER,
    },
    Table {
        name: "keygate.audit_stub",
        insert: "(user_id, log, seq, mac, pruned_at, key_id, signature)
                 values ('{user}', 'log{n}', 1, sha256('{tag}'), now(), 'k', '\\x00')",
        row: "user_id = '{user}' and log = 'log{n}'",
        conflict: "user_id, log",
        column: "seq",
        value: "2",
        give: GIVE_USER,
    },
];

impl Table {
    /// A template filled in for row `n` of `user`.
    pub fn fill(&self, template: &str, user: u8, n: u8) -> String {
        let thief = if user == ALICE { BOB } else { ALICE };
        template
            .replace("{user}", &user_id(user))
            .replace("{thief}", &user_id(thief))
            .replace("{thief_key}", &id("public.api_keys", thief, SPARE_KEY))
            .replace("{id}", &id(self.name, user, n))
            .replace("{key}", &id("public.api_keys", user, if n == 1 { 1 } else { SPARE_KEY }))
            .replace("{first_key}", &id("public.api_keys", user, 1))
            .replace("{connection}", &id("public.exchange_connections", user, 1))
            .replace("{bot}", &id("public.bot_configs", user, 1))
            .replace("{access_key}", &id("public.access_keys", user, 1))
            .replace("{family}", &id("keygate.refresh_family", user, 1))
            .replace("{tag}", &format!("{user:x}tag{n}"))
            .replace("{n}", &n.to_string())
            .replace("{sealed}", &"A".repeat(66))
            .replace("{iv}", &"A".repeat(16))
            .replace("{blob}", &"00".repeat(80))
            .replace("{salt}", &"00".repeat(32))
    }

    /// The statement that makes row `n` of `user`.
    pub fn insertion(&self, user: u8, n: u8) -> String {
        format!("insert into {} {}", self.name, self.fill(self.insert, user, n))
    }
}

impl Table {
    /// An insertion for `on conflict do update`, which like any update of the table names the row that is there.
    pub fn upsertion(&self, user: u8, n: u8) -> String {
        match self.name {
            "public.exchanges" => {
                "insert into public.exchanges (exchange_name) values ('Coinone')".to_owned()
            }
            _ => self.insertion(user, n),
        }
    }
}

pub fn user_id(user: u8) -> String {
    id("public.users", user, 1)
}

/// The id of row `n` of a user.
pub fn id(table: &str, user: u8, n: u8) -> String {
    let number = TABLES.iter().position(|known| known.name == table).unwrap();
    format!("{number:08x}-0000-4000-8000-0000000000{user:x}{n:x}")
}

/// Alice and Bob with row 1 in every table, and a spare key each.
pub async fn seed(superuser: &mut PgConnection) {
    run(
        superuser,
        "insert into keygate.keyring (kid, provider, provider_key, wrapped, kcv, state)
                    values (1, 'test', 'test', '\\x00', '\\x0000000000000000', 'active')",
    )
    .await;
    for user in [ALICE, BOB] {
        for table in &TABLES {
            if table.name == "public.exchanges" {
                continue;
            }
            run(superuser, &table.insertion(user, 1)).await;
            if table.name == "public.api_keys" {
                run(superuser, &table.insertion(user, SPARE_KEY)).await;
                run(superuser, "delete from public.api_key_permissions where id::text not like '00000005-%'")
                    .await;
            }
        }
    }
}

/// A statement of the tests' own making.
pub async fn run(connection: &mut PgConnection, statement: &str) {
    if let Err(error) = sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await {
        panic!("{error:?}\n{statement}");
    }
}
