//! One specimen of every sealed form: its stored parts, how it opens, and the places where it must
//! not.

use std::sync::LazyLock;

use seal::keyring::{Wrapped, WrappedMasterKey};
use seal::root::{LocalRoot, Root};
use seal::site::{self, Site};
use seal::vault_key::{Kind, Slot, WrappedVaultKey};
use seal::{
    Context, Key, Keyring, MasterKey, SecretBytes, ServiceKey, SigningKey, Tier, UserKey, VaultKey,
    connection, field, random, row, vault,
};
use uuid::Uuid;

/// What the database holds of one value: texts and bytes.
pub type Parts = Vec<Vec<u8>>;

/// Opens parts; `None` is a refusal.
pub type Open = Box<dyn Fn(&Parts) -> Option<Vec<u8>>>;

/// A sealed value of one form.
pub struct Specimen {
    pub form: &'static str,
    pub parts: Parts,
    /// The same form, sealed again for the same place: only salts and IVs differ.
    pub twin: Parts,
    pub open: Open,
    /// Wrong places and wrong keys.
    pub elsewhere: Vec<(&'static str, Open)>,
}

/// Two of every key, so that each can be confused with the other.
struct World {
    root: LocalRoot,
    other_root: LocalRoot,
    keyring: Keyring,
    other_keyring: Keyring,
    user_key: UserKey,
    /// Another user, the same version.
    other_user: UserKey,
    /// The same user, another version.
    other_version: UserKey,
    vault_key: VaultKey,
    other_vault: VaultKey,
    /// Another key that claims the same version.
    foreign_vault: VaultKey,
    kek: Key,
}

pub const PLAINTEXT: &[u8] = b"NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP";

const USER: Uuid = Uuid::from_u128(0xA11CE);
const OTHER_USER: Uuid = Uuid::from_u128(0xB0B);
const ROW: Uuid = Uuid::from_u128(1);
const OTHER_ROW: Uuid = Uuid::from_u128(2);
const HERE: Context = Context { table: "api_keys", column: "encrypted_secret", row: ROW };

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let keyring = |kids: [u32; 2]| {
        let mut keyring = Keyring::new(MasterKey::generate(kids[0]));
        keyring.add(MasterKey::generate(kids[1]));
        keyring
    };
    let (keyring, other_keyring) = (keyring([1, 2]), keyring([1, 2]));
    World {
        root: LocalRoot::generate().0,
        other_root: LocalRoot::generate().0,
        user_key: UserKey::create(&keyring, USER, 1).0,
        other_user: UserKey::create(&keyring, OTHER_USER, 1).0,
        other_version: UserKey::create(&keyring, USER, 2).0,
        vault_key: VaultKey::generate(1),
        other_vault: VaultKey::generate(2),
        foreign_vault: VaultKey::generate(1),
        kek: random::key(),
        keyring,
        other_keyring,
    }
});

/// All forms.
pub fn all() -> Vec<Specimen> {
    vec![
        root(),
        master_key(),
        user_key(),
        service_key(),
        signing_key(),
        site_key(),
        vault_slot(),
        self_contained(),
        row_field(),
        vault_row(),
        connection_field("connection, platform", |world| Tier::Platform(&world.user_key)),
        connection_field("connection, vault", |world| Tier::Vault(&world.user_key, &world.vault_key)),
    ]
}

fn root() -> Specimen {
    let world = &*WORLD;
    let seal = || vec![world.root.wrap(b"here", PLAINTEXT).unwrap()];
    let open = |root: &'static LocalRoot, aad: &'static [u8]| -> Open {
        Box::new(move |parts| plain(root.unwrap(aad, &parts[0])))
    };
    let elsewhere = vec![("aad", open(&world.root, b"there")), ("key", open(&world.other_root, b"here"))];
    Specimen { form: "root", parts: seal(), twin: seal(), open: open(&world.root, b"here"), elsewhere }
}

fn master_key() -> Specimen {
    let world = &*WORLD;
    let seal = |kid| {
        let row = MasterKey::generate(kid).wrap(&world.root).unwrap();
        vec![row.wrapped, row.kcv.to_vec()]
    };
    let open = |root: &'static LocalRoot, kid: u32| -> Open {
        Box::new(move |parts| {
            let kcv = parts[1].as_slice().try_into().ok()?;
            let row = WrappedMasterKey { kid, provider: String::new(), wrapped: parts[0].clone(), kcv };
            MasterKey::unwrap(root, &row).ok().map(|_| PLAINTEXT.to_vec())
        })
    };
    let elsewhere = vec![("kid", open(&world.root, 2)), ("root", open(&world.other_root, 1))];
    Specimen { form: "master key", parts: seal(1), twin: seal(1), open: open(&world.root, 1), elsewhere }
}

fn user_key() -> Specimen {
    let world = &*WORLD;
    let probe = field::seal(&world.user_key, &HERE, PLAINTEXT);
    let seal = || stored(world.user_key.wrap(&world.keyring));
    let open = |keyring: &'static Keyring, user: Uuid, version: u32| -> Open {
        let probe = probe.clone();
        Box::new(move |parts| {
            let key = UserKey::open(keyring, user, version, &wrapped(parts)?).ok()?;
            plain(field::open(&key, &HERE, &probe))
        })
    };
    let elsewhere = vec![
        ("user", open(&world.keyring, OTHER_USER, 1)),
        ("version", open(&world.keyring, USER, 2)),
        ("keyring", open(&world.other_keyring, USER, 1)),
        ("table", as_service_key(&world.keyring, 1)),
    ];
    Specimen { form: "user key", parts: seal(), twin: seal(), open: open(&world.keyring, USER, 1), elsewhere }
}

fn service_key() -> Specimen {
    let world = &*WORLD;
    let key = ServiceKey::generate(1);
    let seal = || stored(key.wrap(&world.keyring));
    let elsewhere = vec![
        ("version", as_service_key(&world.keyring, 2)),
        ("keyring", as_service_key(&world.other_keyring, 1)),
        ("table", as_signing_key(&world.keyring, "")),
    ];
    let open = as_service_key(&world.keyring, 1);
    Specimen { form: "service key", parts: seal(), twin: seal(), open, elsewhere }
}

fn signing_key() -> Specimen {
    let world = &*WORLD;
    let key = SigningKey::generate("a");
    let seal = || stored(key.wrap(&world.keyring));
    let elsewhere = vec![
        ("id", as_signing_key(&world.keyring, "b")),
        ("keyring", as_signing_key(&world.other_keyring, "a")),
        ("table", as_service_key(&world.keyring, 1)),
    ];
    let open = as_signing_key(&world.keyring, "a");
    Specimen { form: "signing key", parts: seal(), twin: seal(), open, elsewhere }
}

fn as_service_key(keyring: &'static Keyring, version: u32) -> Open {
    Box::new(move |parts| {
        ServiceKey::open(keyring, version, &wrapped(parts)?).ok().map(|_| PLAINTEXT.to_vec())
    })
}

fn as_signing_key(keyring: &'static Keyring, id: &'static str) -> Open {
    Box::new(move |parts| SigningKey::open(keyring, id, &wrapped(parts)?).ok().map(|_| PLAINTEXT.to_vec()))
}

fn site_key() -> Specimen {
    let world = &*WORLD;
    let here = Site { row: ROW, column: "encrypted_key", provider: "openai" };
    let seal = || vec![site::seal(&world.root, &here, PLAINTEXT).unwrap().into_bytes()];
    let open = |root: &'static LocalRoot, site: Site<'static>| -> Open {
        Box::new(move |parts| plain(site::open(root, &site, text(&parts[0])?)))
    };
    let elsewhere = vec![
        ("row", open(&world.root, Site { row: OTHER_ROW, ..here })),
        ("column", open(&world.root, Site { column: "notes", ..here })),
        ("provider", open(&world.root, Site { provider: "anthropic", ..here })),
        ("root", open(&world.other_root, here)),
    ];
    Specimen { form: "site key", parts: seal(), twin: seal(), open: open(&world.root, here), elsewhere }
}

fn vault_slot() -> Specimen {
    let world = &*WORLD;
    let probe = vault::seal(&world.user_key, &world.vault_key, "t", ROW, [("c", Some(PLAINTEXT))]);
    let salt = random::array::<32>();
    let seal = || {
        let slot = Slot { user: USER, id: ROW, kind: Kind::Passkey, salt: &salt };
        let row = slot.wrap(&world.kek, &world.vault_key);
        vec![row.wrapped_vk.into_bytes(), row.iv.into_bytes(), salt.to_vec()]
    };
    let open = |user: Uuid, id: Uuid, kind: Kind, kek: &'static Key| -> Open {
        let probe = probe.clone();
        Box::new(move |parts| {
            let wrapped =
                WrappedVaultKey { wrapped_vk: text(&parts[0])?.to_owned(), iv: text(&parts[1])?.to_owned() };
            let key = Slot { user, id, kind, salt: &parts[2] }.unwrap(kek, &wrapped).ok()?;
            let columns = [("c", probe.fields[0].as_deref())];
            let stored = vault::Stored { columns, iv: &probe.iv, auth_tag: &probe.auth_tag };
            plain(vault::open(&WORLD.user_key, &key, "t", ROW, stored).map(|[opened]| opened.unwrap()))
        })
    };
    static OTHER_KEK: LazyLock<Key> = LazyLock::new(random::key);
    let elsewhere = vec![
        ("user", open(OTHER_USER, ROW, Kind::Passkey, &world.kek)),
        ("slot", open(USER, OTHER_ROW, Kind::Passkey, &world.kek)),
        ("kind", open(USER, ROW, Kind::Recovery, &world.kek)),
        ("kdf", open(USER, ROW, Kind::Password(seal::kdf::Kdf::DEFAULT), &world.kek)),
        ("kek", open(USER, ROW, Kind::Passkey, &OTHER_KEK)),
    ];
    let open = open(USER, ROW, Kind::Passkey, &world.kek);
    Specimen { form: "vault slot", parts: seal(), twin: seal(), open, elsewhere }
}

fn self_contained() -> Specimen {
    let world = &*WORLD;
    let seal = || vec![field::seal(&world.user_key, &HERE, PLAINTEXT).into_bytes()];
    let open = |key: &'static UserKey, place: Context| -> Open {
        Box::new(move |parts| plain(field::open(key, &place, text(&parts[0])?)))
    };
    let elsewhere = user_places(open);
    Specimen {
        form: "self-contained field",
        parts: seal(),
        twin: seal(),
        open: open(&world.user_key, HERE),
        elsewhere,
    }
}

fn row_field() -> Specimen {
    let world = &*WORLD;
    let seal = || {
        let row = row::Row::new(&world.user_key, HERE.table, HERE.row);
        let field = row.seal(HERE.column, PLAINTEXT);
        vec![field.sealed.into_bytes(), field.iv.into_bytes(), row.salt().into_bytes()]
    };
    let open = |key: &'static UserKey, place: Context| -> Open {
        Box::new(move |parts| {
            let (sealed, iv, salt) = (text(&parts[0])?, text(&parts[1])?, text(&parts[2])?);
            plain(row::open(key, &place, row::Stored { sealed, iv, salt }))
        })
    };
    let elsewhere = user_places(open);
    Specimen { form: "row", parts: seal(), twin: seal(), open: open(&world.user_key, HERE), elsewhere }
}

fn vault_row() -> Specimen {
    let world = &*WORLD;
    let seal = || {
        let columns = [("other", Some(&b"public half"[..])), (HERE.column, Some(PLAINTEXT)), ("empty", None)];
        let row = vault::seal(&world.user_key, &world.vault_key, HERE.table, HERE.row, columns);
        let [other, field, _] = row.fields.map(|field| field.unwrap_or_default().into_bytes());
        vec![field, row.iv.into_bytes(), row.auth_tag.into_bytes(), other]
    };
    let open = |keys: (&'static UserKey, &'static VaultKey), place: Context| -> Open {
        Box::new(move |parts| {
            let columns =
                [("other", Some(text(&parts[3])?)), (place.column, Some(text(&parts[0])?)), ("empty", None)];
            let stored = vault::Stored { columns, iv: text(&parts[1])?, auth_tag: text(&parts[2])? };
            let opened = vault::open(keys.0, keys.1, place.table, place.row, stored);
            plain(opened.map(|[_, opened, _]| opened.unwrap()))
        })
    };
    let mut elsewhere = user_places(|key, place| open((key, &world.vault_key), place));
    elsewhere.push(("vault version", open((&world.user_key, &world.other_vault), HERE)));
    elsewhere.push(("vault key", open((&world.user_key, &world.foreign_vault), HERE)));
    let open = open((&world.user_key, &world.vault_key), HERE);
    Specimen { form: "vault row", parts: seal(), twin: seal(), open, elsewhere }
}

fn connection_field(form: &'static str, tier: fn(&'static World) -> Tier<'static>) -> Specimen {
    let world = &*WORLD;
    let seal = || {
        let row = connection::Row::new(tier(world), HERE.table, HERE.row);
        vec![row.seal(HERE.column, PLAINTEXT), row.salt().to_vec()]
    };
    let open = |tier: Tier<'static>, place: Context| -> Open {
        Box::new(move |parts| {
            let stored = connection::Stored { sealed: &parts[0], salt: &parts[1] };
            plain(connection::open(tier, &place, stored))
        })
    };
    let (with, other): (fn(&'static UserKey) -> Tier<'static>, _) = match tier(world) {
        Tier::Platform(key) => (Tier::Platform, Tier::Vault(key, &world.vault_key)),
        Tier::Vault(key, _) => (|key| Tier::Vault(key, &WORLD.vault_key), Tier::Platform(key)),
    };
    let mut elsewhere = user_places(|key, place| open(with(key), place));
    elsewhere.push(("tier", open(other, HERE)));
    elsewhere.push(("vault version", open(Tier::Vault(&world.user_key, &world.other_vault), HERE)));
    elsewhere.push(("vault key", open(Tier::Vault(&world.user_key, &world.foreign_vault), HERE)));
    Specimen { form, parts: seal(), twin: seal(), open: open(tier(world), HERE), elsewhere }
}

/// The wrong places of every field that belongs to a user.
fn user_places(open: impl Fn(&'static UserKey, Context) -> Open) -> Vec<(&'static str, Open)> {
    let world = &*WORLD;
    vec![
        ("user", open(&world.other_user, HERE)),
        ("user key version", open(&world.other_version, HERE)),
        ("table", open(&world.user_key, Context { table: "encrypted_api_keys", ..HERE })),
        ("column", open(&world.user_key, Context { column: "encrypted_passphrase", ..HERE })),
        ("row", open(&world.user_key, Context { row: OTHER_ROW, ..HERE })),
        (
            "border of table and column",
            open(&world.user_key, Context { table: "api_keysencrypted", column: "_secret", ..HERE }),
        ),
    ]
}

fn stored(row: Wrapped) -> Parts {
    vec![row.wrapped.into_bytes(), row.iv.into_bytes(), row.kid.to_be_bytes().to_vec()]
}

fn wrapped(parts: &Parts) -> Option<Wrapped> {
    let kid = u32::from_be_bytes(parts[2].as_slice().try_into().ok()?);
    Some(Wrapped { wrapped: text(&parts[0])?.to_owned(), iv: text(&parts[1])?.to_owned(), kid })
}

fn text(part: &[u8]) -> Option<&str> {
    std::str::from_utf8(part).ok()
}

fn plain<E>(opened: Result<SecretBytes, E>) -> Option<Vec<u8>> {
    opened.ok().map(|secret| secret.expose().to_vec())
}
