//! Reads the golden files from the root key down.

use std::fs;
use std::path::Path;

use data_encoding::{BASE64, HEXLOWER};
use seal::kdf::Kdf;
use seal::keyring::{Wrapped, WrappedMasterKey};
use seal::root::{LocalRoot, Root as _};
use seal::vault_key::{Kind, Slot, WrappedVaultKey};
use seal::{Context, Keyring, MasterKey, Purpose, ServiceKey, UserKey, VaultKey};
use serde_json::Value;
use uuid::Uuid;

/// A golden file and the keys it leads to.
pub struct Golden {
    pub file: Value,
    pub root: LocalRoot,
    pub keyring: Keyring,
    pub service_key: ServiceKey,
    pub user_key: UserKey,
    pub vault_key: VaultKey,
}

/// All golden files with their keys opened.
pub fn all() -> Vec<Golden> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/golden");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let all: Vec<Golden> = files.map(|path| Golden::load(&fs::read_to_string(path).unwrap())).collect();
    assert!(!all.is_empty());
    all
}

impl Golden {
    fn load(content: &str) -> Self {
        let file: Value = serde_json::from_str(content).unwrap();
        let root = LocalRoot::parse(text(&file["root"], "key")).ok().unwrap();
        assert_eq!(root.id(), text(&file["root"], "id"));
        let mut masters = list(&file, "keyring").iter().map(|row| {
            let wrapped = WrappedMasterKey {
                kid: number(row, "kid"),
                provider: text(row, "provider").to_owned(),
                wrapped: bytes(row, "wrapped"),
                kcv: HEXLOWER.decode(text(row, "kcv").as_bytes()).unwrap().try_into().unwrap(),
            };
            MasterKey::unwrap(&root, &wrapped).ok().unwrap()
        });
        let mut keyring = Keyring::new(masters.next().unwrap());
        masters.for_each(|master| keyring.add(master));
        keyring.promote(*keyring.kids().last().unwrap()).unwrap();
        let service = &file["service_key"];
        let service_key = ServiceKey::open(&keyring, number(service, "version"), &wrapped(service));
        let service_key = service_key.ok().unwrap();
        let user_key = user_key(&keyring, &file["user_keys"][0]);
        let vault_key = vault_key(&service_key, &file["vault_slots"][0]);
        Self { root, keyring, service_key, user_key, vault_key, file }
    }
}

pub fn user_key(keyring: &Keyring, row: &Value) -> UserKey {
    UserKey::open(keyring, id(row, "user"), number(row, "version"), &wrapped(row)).ok().unwrap()
}

pub fn wrapped(row: &Value) -> Wrapped {
    let row = &row["wrapped"];
    let (wrapped, iv) = (text(row, "wrapped").to_owned(), text(row, "iv").to_owned());
    Wrapped { wrapped, iv, kid: number(row, "kid") }
}

pub fn vault_key(service_key: &ServiceKey, row: &Value) -> VaultKey {
    let kind = match text(row, "kind") {
        "passkey" => Kind::Passkey,
        "password" => Kind::Password(Kdf::parse(text(row, "parameters")).unwrap()),
        "recovery" => Kind::Recovery,
        other => panic!("unknown kind {other}"),
    };
    let salt = bytes(row, "salt");
    let slot = Slot { user: id(row, "user"), id: id(row, "slot_id"), kind, salt: &salt };
    let kek = slot.kek(text(row, "shown").as_bytes(), &service_key.derive(Purpose::Pepper)).ok().unwrap();
    let wrapped =
        WrappedVaultKey { wrapped_vk: text(row, "wrapped_vk").to_owned(), iv: text(row, "iv").to_owned() };
    slot.unwrap(&kek, &wrapped).ok().unwrap()
}

pub fn place(item: &Value) -> Context {
    Context { table: leak(text(item, "table")), column: leak(text(item, "column")), row: id(item, "row") }
}

pub fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    let items = value[name].as_array().unwrap();
    assert!(!items.is_empty(), "{name} is empty");
    items
}

pub fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_else(|| panic!("{name} is missing"))
}

fn number(value: &Value, name: &str) -> u32 {
    value[name].as_u64().unwrap().try_into().unwrap()
}

pub fn bytes(value: &Value, name: &str) -> Vec<u8> {
    BASE64.decode(text(value, name).as_bytes()).unwrap()
}

pub fn id(value: &Value, name: &str) -> Uuid {
    text(value, name).parse().unwrap()
}

/// Names are constants of the program everywhere else.
pub fn leak(name: &str) -> &'static str {
    name.to_owned().leak()
}
