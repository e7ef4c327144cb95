//! Every envelope ever released opens, and what is written today has the form of the newest file.
//! A change of form that forgets its version number fails here.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use data_encoding::HEXLOWER;
use seal::password::Hasher;
use seal::site::{self, Site};
use seal::token::{Opaque, StoredAccessKey};
use seal::{Context, Purpose, SigningKey, Tier, connection, field, mac, row, vault};
use uuid::Uuid;

use load::{all, bytes, id, leak, list, place, text, user_key, vault_key, wrapped};

mod load;

#[test]
fn every_wrapping_of_the_user_key_holds_the_same_key() {
    for golden in all() {
        let place = Context { table: "t", column: "c", row: Uuid::nil() };
        let sealed = field::seal(&golden.user_key, &place, b"probe");
        for row in list(&golden.file, "user_keys") {
            let key = user_key(&golden.keyring, row);
            assert_eq!(field::open(&key, &place, &sealed).unwrap().expose(), b"probe");
            let again = key.wrap(&golden.keyring);
            assert_eq!(shape(&again.wrapped, 32), shape(&wrapped(row).wrapped, 32).at_kid(again.kid));
        }
    }
}

#[test]
fn derived_keys_never_change() {
    for golden in all() {
        let service = &golden.file["service_key"];
        let key = |purpose| HEXLOWER.encode(golden.service_key.derive(purpose).expose());
        for (name, purpose) in PURPOSES {
            assert_eq!(key(purpose), text(&service["derived"], name));
        }
        let audit = golden.service_key.derive_for(Purpose::Audit, id(&service["audit_of_user"], "user"));
        assert_eq!(HEXLOWER.encode(audit.expose()), text(&service["audit_of_user"], "key"));
        let secret = text(&service["fingerprint"], "secret");
        let fingerprint = mac::fingerprint(&golden.service_key.derive(Purpose::Pepper), secret.as_bytes());
        assert_eq!(fingerprint, text(&service["fingerprint"], "fingerprint"));
    }
}

#[test]
fn signing_keys_open_and_sign_alike() {
    for golden in all() {
        let row = &golden.file["signing_key"];
        let key = SigningKey::open(&golden.keyring, text(row, "id"), &wrapped(row)).ok().unwrap();
        assert_eq!(HEXLOWER.encode(&key.public_key()), text(row, "public_key"));
        assert_eq!(HEXLOWER.encode(&key.sign(text(row, "message").as_bytes())), text(row, "signature"));
        assert_eq!(shape(&key.wrap(&golden.keyring).wrapped, 32), shape(&wrapped(row).wrapped, 32));
    }
}

#[test]
fn every_vault_slot_holds_the_same_key() {
    for golden in all() {
        let probe = [("c", Some(&b"probe"[..]))];
        let row = vault::seal(&golden.user_key, &golden.vault_key, "t", Uuid::nil(), probe);
        for slot in list(&golden.file, "vault_slots") {
            let key = vault_key(&golden.service_key, slot);
            let columns = [("c", row.fields[0].as_deref())];
            let stored = vault::Stored { columns, iv: &row.iv, auth_tag: &row.auth_tag };
            let [opened] = vault::open(&golden.user_key, &key, "t", Uuid::nil(), stored).unwrap();
            assert_eq!(opened.unwrap().expose(), b"probe", "{}", text(slot, "kind"));
        }
    }
}

#[test]
fn fields_open_and_keep_their_form() {
    for golden in all() {
        for item in list(&golden.file, "fields") {
            let (place, plaintext) = (place(item), text(item, "plaintext"));
            let sealed = text(item, "sealed");
            let opened = field::open(&golden.user_key, &place, sealed).unwrap();
            assert_eq!(opened.into_text().unwrap().expose(), plaintext);
            let again = field::seal(&golden.user_key, &place, plaintext.as_bytes());
            assert_eq!(shape(&again, plaintext.len()), shape(sealed, plaintext.len()));
            assert_ne!(again, sealed, "every write has its own salt");
        }
    }
}

#[test]
fn rows_open_and_keep_their_form() {
    for golden in all() {
        for item in list(&golden.file, "rows") {
            let (place, plaintext) = (place(item), text(item, "plaintext"));
            let stored =
                row::Stored { sealed: text(item, "sealed"), iv: text(item, "iv"), salt: text(item, "salt") };
            let opened = row::open(&golden.user_key, &place, stored).unwrap();
            assert_eq!(opened.into_text().unwrap().expose(), plaintext);
            let row = row::Row::new(&golden.user_key, place.table, place.row);
            let again = row.seal(place.column, plaintext.as_bytes());
            assert_eq!(shape(&again.sealed, plaintext.len()), shape(stored.sealed, plaintext.len()));
            assert_eq!((again.iv.len(), row.salt().len()), (stored.iv.len(), stored.salt.len()));
        }
    }
}

#[test]
fn vault_rows_open_and_keep_their_form() {
    for golden in all() {
        for item in list(&golden.file, "vault_rows") {
            let (table, id) = (leak(text(item, "table")), id(item, "row"));
            let names = [0, 1, 2].map(|n| leak(item["columns"][n].as_str().unwrap()));
            let sealed = [0, 1, 2].map(|n| item["sealed"][n].as_str());
            let plain = [0, 1, 2].map(|n| item["plaintext"][n].as_str().map(str::as_bytes));
            let columns = [0, 1, 2].map(|n| (names[n], sealed[n]));
            let stored = vault::Stored { columns, iv: text(item, "iv"), auth_tag: text(item, "auth_tag") };
            let opened = vault::open(&golden.user_key, &golden.vault_key, table, id, stored).unwrap();
            let columns = [0, 1, 2].map(|n| (names[n], plain[n]));
            let again = vault::seal(&golden.user_key, &golden.vault_key, table, id, columns);
            assert_eq!(again.auth_tag.len(), stored.auth_tag.len());
            for n in 0..3 {
                assert_eq!(opened[n].as_ref().map(|secret| secret.expose()), plain[n]);
                let shape = |sealed: Option<&str>| Some(shape(sealed?, plain[n]?.len()));
                assert_eq!(shape(again.fields[n].as_deref()), shape(sealed[n]));
            }
        }
    }
}

#[test]
fn connections_open_and_keep_their_form() {
    for golden in all() {
        for item in list(&golden.file, "connections") {
            let tier = match text(item, "tier") {
                "platform" => Tier::Platform(&golden.user_key),
                "vault" => Tier::Vault(&golden.user_key, &golden.vault_key),
                other => panic!("unknown tier {other}"),
            };
            let (place, plaintext) = (place(item), text(item, "plaintext"));
            let (sealed, salt) = (bytes(item, "sealed"), bytes(item, "salt"));
            let stored = connection::Stored { sealed: &sealed, salt: &salt };
            let opened = connection::open(tier, &place, stored).unwrap();
            assert_eq!(opened.into_text().unwrap().expose(), plaintext);
            let row = connection::Row::new(tier, place.table, place.row);
            let again = row.seal(place.column, plaintext.as_bytes());
            assert_eq!((again.len(), &again[..5]), (sealed.len(), &sealed[..5]));
        }
    }
}

#[test]
fn site_keys_open() {
    for golden in all() {
        for item in list(&golden.file, "site_keys") {
            let site = Site {
                row: id(item, "row"),
                column: leak(text(item, "column")),
                provider: text(item, "provider"),
            };
            let opened = site::open(&golden.root, &site, text(item, "sealed")).unwrap();
            let plaintext = text(item, "plaintext");
            assert_eq!(opened.into_text().unwrap().expose(), plaintext);
            let again = site::seal(&golden.root, &site, plaintext.as_bytes()).unwrap();
            assert_eq!(shape(&again, plaintext.len()), shape(text(item, "sealed"), plaintext.len()));
        }
    }
}

#[test]
fn passwords_verify() {
    for golden in all() {
        let hasher = Hasher::new(&golden.service_key);
        for item in list(&golden.file, "passwords") {
            assert!(hasher.verify(text(item, "password"), text(item, "stored")));
            assert!(!hasher.verify("incorrect horse battery staple", text(item, "stored")));
        }
    }
}

#[test]
fn tokens_parse_to_the_same_hash() {
    for golden in all() {
        let key = &golden.file["tokens"]["access_key"];
        let stored = StoredAccessKey::parse(text(key, "token")).unwrap();
        assert_eq!((stored.prefix.as_str(), stored.hash.as_str()), (text(key, "prefix"), text(key, "hash")));
        let opaque = &golden.file["tokens"]["opaque"];
        assert_eq!(Opaque::parse(text(opaque, "token")).unwrap(), text(opaque, "hash"));
    }
}

const PURPOSES: [(&str, Purpose); 7] = [
    ("audit", Purpose::Audit),
    ("csrf", Purpose::Csrf),
    ("dbctx", Purpose::DbCtx),
    ("device", Purpose::Device),
    ("idem", Purpose::Idem),
    ("pepper", Purpose::Pepper),
    ("policy", Purpose::Policy),
];

/// Prefix and overhead of a sealed text: what must stay while salts and IVs change.
#[derive(Debug, Eq, PartialEq)]
struct Shape {
    prefix: String,
    overhead: usize,
}

impl Shape {
    /// The same shape under another master key.
    fn at_kid(self, kid: u32) -> Self {
        Self { prefix: format!("kgm1.{kid}"), ..self }
    }
}

fn shape(sealed: &str, plaintext: usize) -> Shape {
    let (prefix, payload) = sealed.rsplit_once('.').unwrap();
    let payload = data_encoding::BASE64URL_NOPAD.decode(payload.as_bytes()).unwrap();
    Shape { prefix: prefix.to_owned(), overhead: payload.len() - plaintext }
}
