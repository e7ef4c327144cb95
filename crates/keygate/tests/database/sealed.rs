//! Secrets reach the tables sealed or not at all, and stay with their owner.

use sqlx::Row;

use crate::fixture::{ALICE, BOB, TABLES, run, user_id};
use crate::world::{Seeded, refusal};

/// Every column that holds something sealed as text, and the prefix it must have.
const SEALED_TEXT: [(&str, &str, &str); 24] = [
    ("public.api_keys", "encrypted_api_key", "kg1.1."),
    ("public.api_keys", "encrypted_secret", "kg1.1."),
    ("public.api_keys", "encrypted_passphrase", "kg1.1."),
    ("public.encrypted_api_keys", "encrypted_api_key", "kg1.1."),
    ("public.encrypted_api_keys", "encrypted_secret", "kg1.1."),
    ("public.encrypted_api_keys", "encrypted_passphrase", "kg1.1."),
    ("public.encrypted_exchange_credentials", "encrypted_api_key", "kg1v.1.1."),
    ("public.encrypted_exchange_credentials", "encrypted_api_secret", "kg1v.1.1."),
    ("public.encrypted_exchange_credentials", "encrypted_passphrase", "kg1v.1.1."),
    ("public.integration_tokens", "access_token", "kg1.1."),
    ("public.integration_tokens", "refresh_token", "kg1.1."),
    ("public.site_api_keys", "encrypted_key", "kms1.file."),
    ("public.user_encryption_keys", "encrypted_key", "kgm1.1."),
    ("keygate.user_key_history", "encrypted_key", "kgm1.1."),
    ("keygate.virtual_key", "secret", "kg1.1."),
    ("keygate.virtual_key", "passphrase", "kg1.1."),
    ("keygate.own_key", "secret", "kg1.1."),
    ("public.users", "password_hash", "$argon2id-hmac-sha256$"),
    ("public.access_keys", "key_hash", ""),
    ("keygate.setup_link", "token_hash", ""),
    ("keygate.session", "token_hash", ""),
    ("keygate.refresh_token", "token_hash", ""),
    ("keygate.device", "token_hash", ""),
    ("public.api_keys", "salt", ""),
];

const SEALED_BYTES: [&str; 4] =
    ["encrypted_api_key", "encrypted_secret_key", "encrypted_passphrase", "key_encryption_salt"];

const TOO_LONG: &str = "22001";

/// What an exchange hands out, a password, and near misses of the sealed form.
const PLAIN: [&str; 8] = [
    "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A",
    "correct horse battery staple",
    "-----BEGIN PRIVATE KEY-----",
    "",
    "kg1",
    "kg1.1.short",
    "kg1.1.spaces are no base64url but this is long enough for a sealed value, is it not",
    "kg1.x.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
];

#[tokio::test]
async fn plain_text_cannot_be_stored_where_a_secret_belongs() {
    let mut seeded = Seeded::new().await;
    for (table, column, _) in SEALED_TEXT {
        for plain in PLAIN {
            // not even the superuser can
            let statement = format!("update {table} set {column} = '{plain}'");
            let stopped = refusal(&mut seeded.superuser, &statement).await;
            assert!(
                stopped.is_some_and(|name| name.contains("_check") || name == TOO_LONG),
                "{table}.{column} took {plain:?}"
            );
        }
    }
}

#[tokio::test]
async fn sealed_text_is_accepted() {
    let mut seeded = Seeded::new().await;
    for (table, column, prefix) in SEALED_TEXT.into_iter().filter(|(.., prefix)| !prefix.is_empty()) {
        let sealed = format!("{prefix}{}", "A_-9".repeat(20));
        let iv = if column == "encrypted_passphrase" && table == "public.api_keys" {
            ", passphrase_iv = key_iv"
        } else {
            ""
        };
        let statement = format!("update {table} set {column} = '{sealed}'{iv}");
        assert_eq!(refusal(&mut seeded.superuser, &statement).await, None, "{statement}");
    }
}

#[tokio::test]
async fn plain_bytes_cannot_be_stored_in_a_connection() {
    let mut seeded = Seeded::new().await;
    for column in SEALED_BYTES {
        for plain in [
            "''",
            "'plain'",
            "convert_to(repeat('plain text ', 10), 'UTF8')",
            "'\\x01'",
            "'\\x02' || repeat('a', 90)::bytea",
        ] {
            let statement = format!("update public.exchange_connections set {column} = {plain}");
            let stopped = refusal(&mut seeded.superuser, &statement).await;
            let expected = format!("exchange_connections_{column}_check");
            assert_eq!(stopped.as_deref(), Some(expected.as_str()), "{statement}");
        }
    }
}

/// The list above is kept honest by the catalogue: a new column with a telling name must be in it.
#[tokio::test]
async fn no_sealed_column_is_forgotten() {
    let mut seeded = Seeded::new().await;
    let rows = sqlx::query(
        "select a.attrelid::regclass::text as t, a.attname::text as c from pg_attribute a join pg_class r on r.oid = a.attrelid
         where r.relkind = 'r' and r.relnamespace in ('public'::regnamespace, 'keygate'::regnamespace)
           and a.attnum > 0 and a.attname ~ '(encrypted|secret|passphrase|token|password|key_hash)'
           and a.attname !~ '(_iv|_type|_at|_algorithm|_required|_on_decrypt)$' and format_type(a.atttypid, null) ~ '(text|char|bytea)'",
    )
    .fetch_all(&mut seeded.superuser)
    .await
    .unwrap();
    assert!(rows.len() >= 18, "{}", rows.len());
    for row in rows {
        let (table, column): (String, String) = (row.get("t"), row.get("c"));
        let listed =
            SEALED_TEXT.iter().any(|(t, c, _)| t.trim_start_matches("public.") == table && *c == column)
                || table == "exchange_connections" && SEALED_BYTES.contains(&column.as_str());
        assert!(listed, "{table}.{column} holds a secret, and nothing checks that it is sealed");
    }
}

#[tokio::test]
async fn a_row_never_changes_hands() {
    let mut seeded = Seeded::new().await;
    let mut tried = 0;
    for table in TABLES.iter().filter(|table| table.give == Some("user_id = '{thief}'")) {
        let row = table.fill(table.row, ALICE, 1);
        let statement = format!("update {} set user_id = '{}' where {row}", table.name, user_id(BOB));
        let expected = format!("{}_user_id_immutable", table.name.split('.').next_back().unwrap());
        // the superuser passes row security by, so this is the trigger alone
        assert_eq!(refusal(&mut seeded.superuser, &statement).await, Some(expected), "{statement}");
        tried += 1;
    }
    assert!(tried >= 13, "{tried}");
}

/// A foreign key check ignores row security: without the user in it, Bob could hang his rows on Alice's.
#[tokio::test]
async fn a_child_cannot_be_planted_on_anothers_parent() {
    let seeded = Seeded::new().await;
    let children = [
        "public.api_key_rotation_schedule",
        "public.exchange_connections",
        "public.exchange_balances",
        "public.exchange_api_calls",
        "public.api_key_usage_audit",
        "public.bot_configs",
        "public.access_keys",
        "keygate.virtual_key",
    ];
    for table in TABLES.iter().filter(|table| children.contains(&table.name)) {
        let mut superuser = seeded.world.scratch.superuser().await.unwrap();
        // Alice's parents, Bob's user
        let planted = table.insertion(ALICE, 2).replace(&user_id(ALICE), &user_id(BOB));
        let stopped = refusal(&mut superuser, &planted).await.unwrap_or_default();
        assert!(stopped.ends_with("_fkey"), "{planted}: {stopped}");
        run(&mut superuser, &format!("begin; {}; rollback", table.insertion(ALICE, 2))).await;
    }
}
