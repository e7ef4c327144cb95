//! Prints a golden file: one specimen of every form, sealed under fresh keys, with what it takes
//! to open each of them from the root key down. Run it when a form is added, and keep the files
//! of older versions: they must open for ever.
//!
//! `cargo run -p seal --example golden > crates/seal/testdata/golden/<number>.json`

use std::error::Error;
use std::io::Write as _;

use data_encoding::{BASE64, HEXLOWER};
use seal::kdf::Kdf;
use seal::keyring::{Wrapped, WrappedMasterKey};
use seal::password::Hasher;
use seal::root::{LocalRoot, Root as _};
use seal::site::{self, Site};
use seal::token::{AccessKey, Opaque};
use seal::vault_key::{Kind, Slot};
use seal::{
    Context, Keyring, MasterKey, Purpose, ServiceKey, SigningKey, Tier, UserKey, VaultKey, connection, field,
    mac, random, row, vault,
};
use serde_json::{Value, json};
use uuid::Uuid;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const API_KEY: &str = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A";
const SECRET: &str = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";
const PASSPHRASE: &str = "p\u{e4}ss phrase \u{1f511}";

fn main() -> Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &golden()?)?;
    writeln!(out)?;
    Ok(())
}

fn golden() -> Result<Value> {
    let (root, root_key) = LocalRoot::generate();
    let (master, next) = (MasterKey::generate(1), MasterKey::generate(2));
    let masters = [master.wrap(&root)?, next.wrap(&root)?];
    let mut keyring = Keyring::new(master);
    let user = id();
    let (user_key, old) = UserKey::create(&keyring, user, 7);
    keyring.add(next);
    keyring.promote(2)?;
    let new = user_key.wrap(&keyring);
    let user_row = |row| json!({"user": user, "version": 7, "wrapped": wrapped(row)});
    let service_key = ServiceKey::generate(3);
    let vault_key = VaultKey::generate(4);
    Ok(json!({
        "root": {"id": root.id(), "key": root_key.expose()},
        "keyring": masters.each_ref().map(master_row),
        "service_key": service(&keyring, &service_key, user),
        "signing_key": signing(&keyring),
        "user_keys": [user_row(&old), user_row(&new)],
        "vault_slots": slots(user, &service_key, &vault_key)?,
        "fields": fields(&user_key),
        "rows": rows(&user_key),
        "vault_rows": vault_rows(&user_key, &vault_key),
        "connections": connections(&user_key, &vault_key),
        "site_keys": site_keys(&root)?,
        "passwords": passwords(&service_key)?,
        "tokens": tokens(),
    }))
}

fn master_row(row: &WrappedMasterKey) -> Value {
    json!({"kid": row.kid, "provider": row.provider, "wrapped": BASE64.encode(&row.wrapped), "kcv": HEXLOWER.encode(&row.kcv)})
}

fn wrapped(row: &Wrapped) -> Value {
    json!({"wrapped": row.wrapped, "iv": row.iv, "kid": row.kid})
}

fn service(keyring: &Keyring, key: &ServiceKey, user: Uuid) -> Value {
    let hex = |purpose| HEXLOWER.encode(key.derive(purpose).expose());
    let pepper = key.derive(Purpose::Pepper);
    json!({
        "version": key.version(),
        "wrapped": wrapped(&key.wrap(keyring)),
        "derived": {
            "audit": hex(Purpose::Audit), "csrf": hex(Purpose::Csrf), "dbctx": hex(Purpose::DbCtx),
            "device": hex(Purpose::Device), "idem": hex(Purpose::Idem), "pepper": hex(Purpose::Pepper),
            "policy": hex(Purpose::Policy),
        },
        "audit_of_user": {"user": user, "key": HEXLOWER.encode(key.derive_for(Purpose::Audit, user).expose())},
        "fingerprint": {"key": "pepper", "secret": SECRET, "fingerprint": mac::fingerprint(&pepper, SECRET.as_bytes())},
    })
}

fn signing(keyring: &Keyring) -> Value {
    let key = SigningKey::generate("2026-11-a");
    let message = "checkpoint 1";
    json!({
        "id": key.id(), "wrapped": wrapped(&key.wrap(keyring)), "public_key": HEXLOWER.encode(&key.public_key()),
        "message": message, "signature": HEXLOWER.encode(&key.sign(message.as_bytes())),
    })
}

fn slots(user: Uuid, service_key: &ServiceKey, vault_key: &VaultKey) -> Result<Vec<Value>> {
    let kinds = [
        (Kind::Password(Kdf::argon2id(19_456, 2)?), "correct horse battery staple"),
        (Kind::Password(Kdf::pbkdf2_sha256(600_000)?), "correct horse battery staple"),
        (Kind::Password(Kdf::pbkdf2_sha512(220_000)?), "correct horse battery staple"),
        (Kind::Passkey, "32 bytes of a passkey's PRF resul"),
        (Kind::Recovery, "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"),
    ];
    let pepper = service_key.derive(Purpose::Pepper);
    let slot = |(kind, shown): (Kind, &str)| {
        let (id, salt) = (id(), random::array::<32>());
        let slot = Slot { user, id, kind, salt: &salt };
        let row = slot.wrap(&slot.kek(shown.as_bytes(), &pepper)?, vault_key);
        Ok(json!({
            "user": user, "slot_id": id, "kind": kind.name(), "parameters": kind.parameters(),
            "salt": BASE64.encode(&salt), "shown": shown, "wrapped_vk": row.wrapped_vk, "iv": row.iv,
        }))
    };
    kinds.into_iter().map(slot).collect()
}

fn fields(key: &UserKey) -> Vec<Value> {
    let places = [
        ("encrypted_api_keys", "encrypted_api_key", API_KEY),
        ("encrypted_api_keys", "encrypted_secret", SECRET),
        ("integration_tokens", "access_token", ""),
        ("virtual_key", "passphrase", PASSPHRASE),
    ];
    let field = |(table, column, plaintext): (&'static str, &'static str, &str)| {
        let row = id();
        let sealed = field::seal(key, &Context { table, column, row }, plaintext.as_bytes());
        json!({"table": table, "column": column, "row": row, "sealed": sealed, "plaintext": plaintext})
    };
    places.into_iter().map(field).collect()
}

fn rows(key: &UserKey) -> Vec<Value> {
    let id = id();
    let row = row::Row::new(key, "api_keys", id);
    let columns =
        [("encrypted_api_key", API_KEY), ("encrypted_secret", SECRET), ("encrypted_passphrase", PASSPHRASE)];
    let field = |(column, plaintext): (&'static str, &str)| {
        let field = row.seal(column, plaintext.as_bytes());
        json!({
            "table": "api_keys", "column": column, "row": id, "salt": row.salt(),
            "iv": field.iv, "sealed": field.sealed, "plaintext": plaintext,
        })
    };
    columns.into_iter().map(field).collect()
}

fn vault_rows(user_key: &UserKey, vault_key: &VaultKey) -> Vec<Value> {
    let table = "encrypted_exchange_credentials";
    let rows = [[Some(API_KEY), Some(SECRET), Some(PASSPHRASE)], [Some(API_KEY), Some(SECRET), None]];
    let row = |values: [Option<&str>; 3]| {
        let id = id();
        let names = ["encrypted_api_key", "encrypted_api_secret", "encrypted_passphrase"];
        let columns = [0, 1, 2].map(|n| (names[n], values[n].map(str::as_bytes)));
        let row = vault::seal(user_key, vault_key, table, id, columns);
        json!({
            "table": table, "row": id, "columns": names, "sealed": row.fields, "iv": row.iv,
            "auth_tag": row.auth_tag, "plaintext": values,
        })
    };
    rows.into_iter().map(row).collect()
}

fn connections(user_key: &UserKey, vault_key: &VaultKey) -> Vec<Value> {
    let tiers = [("platform", Tier::Platform(user_key)), ("vault", Tier::Vault(user_key, vault_key))];
    let columns = [
        ("encrypted_api_key", API_KEY),
        ("encrypted_secret_key", SECRET),
        ("encrypted_passphrase", PASSPHRASE),
    ];
    let mut all = Vec::new();
    for (name, tier) in tiers {
        let id = id();
        let row = connection::Row::new(tier, "exchange_connections", id);
        for (column, plaintext) in columns {
            all.push(json!({
                "table": "exchange_connections", "column": column, "row": id, "tier": name,
                "salt": BASE64.encode(&row.salt()), "sealed": BASE64.encode(&row.seal(column, plaintext.as_bytes())),
                "plaintext": plaintext,
            }));
        }
    }
    all
}

fn site_keys(root: &LocalRoot) -> Result<Vec<Value>> {
    let (row, column, provider) = (id(), "encrypted_key", "openai");
    let sealed = site::seal(root, &Site { row, column, provider }, SECRET.as_bytes())?;
    Ok(vec![
        json!({"column": column, "row": row, "provider": provider, "sealed": sealed, "plaintext": SECRET}),
    ])
}

fn passwords(service_key: &ServiceKey) -> Result<Vec<Value>> {
    let full = Hasher::new(service_key);
    let light = Hasher::new(service_key).with_kdf(Kdf::argon2id(19_456, 2)?)?;
    let hash = |hasher: &Hasher| {
        let password = "correct horse battery staple";
        Ok(json!({"password": password, "stored": hasher.hash(password)?}))
    };
    [hash(&full), hash(&light)].into_iter().collect()
}

fn tokens() -> Value {
    let (key, opaque) = (AccessKey::generate(), Opaque::generate());
    json!({
        "access_key": {"token": key.token.expose(), "prefix": key.stored.prefix, "hash": key.stored.hash},
        "opaque": {"token": opaque.token.expose(), "hash": opaque.hash},
    })
}

fn id() -> Uuid {
    Uuid::from_bytes(random::array())
}
