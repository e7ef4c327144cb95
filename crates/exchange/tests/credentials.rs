//! Secrets as users paste them, and the pairs we make ourselves.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests: also outside the test functions")]

mod support;

use base64::{Engine, prelude::BASE64_STANDARD};
use exchange::{
    CredentialProblem, Credentials, Exchanges, Field, KeyError, KeyKind, Options, OwnKey, SecretForm,
    SigningKey, Typed,
};
use support::{builtin, secret_text, vector};

fn parse(secret: &str) -> Result<KeyKind, KeyError> {
    SigningKey::parse(&secret.to_owned().into()).map(|key| key.kind())
}

fn pem_of(id: &str) -> String {
    secret_text(&vector(id).0["credentials"]["secret"])
}

/// A block with this label around these bytes.
fn block(label: &str, der: &[u8]) -> String {
    secret_text(
        &serde_json::json!({"pem": label, "body": BASE64_STANDARD.encode(der), "final_newline": true}),
    )
}

fn der_of(pem: &str) -> Vec<u8> {
    BASE64_STANDARD.decode(pem.lines().filter(|line| !line.starts_with('-')).collect::<String>()).unwrap()
}

#[test]
fn the_kind_of_a_key_is_told_by_its_text() {
    assert_eq!(parse(&pem_of("sv-binance-rsa-01")), Ok(KeyKind::Rsa));
    assert_eq!(parse(&pem_of("sv-binance-ed25519-01")), Ok(KeyKind::Ed25519));
    assert_eq!(parse(&"a".repeat(64)), Ok(KeyKind::Hmac));
}

#[test]
fn a_pasted_block_may_have_space_around_it_windows_line_ends_or_one_long_line() {
    for id in ["sv-binance-rsa-01", "sv-binance-ed25519-01"] {
        let pem = pem_of(id);
        let kind = parse(&pem);
        assert_eq!(parse(&format!("\n  {pem}  \n\n")), kind);
        assert_eq!(parse(&pem.replace('\n', "\r\n")), kind);
        assert_eq!(parse(pem.trim_end()), kind);
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let label = "PRIVATE KEY";
        assert_eq!(parse(&format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----")), kind);
    }
}

#[test]
fn an_rsa_key_in_its_older_form_is_the_same_key() {
    let pkcs8 = der_of(&pem_of("sv-binance-rsa-01"));
    let pkcs1 = &pkcs8[26..]; // behind version, algorithm and the octet string's head
    assert_eq!(parse(&block("RSA PRIVATE KEY", pkcs1)), Ok(KeyKind::Rsa));
}

#[test]
fn what_is_wrong_with_a_secret_is_said() {
    let pem = pem_of("sv-binance-ed25519-01");
    let der = der_of(&pem);
    let cases = [
        (String::new(), KeyError::Empty),
        ("with space".to_owned(), KeyError::NotPlainText),
        ("line\n".to_owned(), KeyError::NotPlainText),
        ("gehéim".to_owned(), KeyError::NotPlainText),
        ("a".repeat(513), KeyError::NotPlainText),
        (pem.lines().next().unwrap().to_owned(), KeyError::BrokenPem),
        (pem.replace("-----END", "----END"), KeyError::BrokenPem),
        (pem.replacen("PRIVATE", "RSA PRIVATE", 1), KeyError::BrokenPem),
        (pem.replace("MC4C", "MC*C"), KeyError::BrokenPem),
        (format!("{pem}{pem}"), KeyError::BrokenPem),
        (block("PUBLIC KEY", &der), KeyError::PublicKey),
        (block("RSA PUBLIC KEY", &der), KeyError::PublicKey),
        (block("CERTIFICATE", &der), KeyError::PublicKey),
        (block("ENCRYPTED PRIVATE KEY", &der), KeyError::EncryptedPem),
        (block("EC PRIVATE KEY", &der), KeyError::BrokenKey),
        (block("OPENSSH PRIVATE KEY", &der), KeyError::UnsupportedPem),
        (block("PRIVATE KEY", &der[..der.len() - 1]), KeyError::BrokenKey),
        (block("PRIVATE KEY", b""), KeyError::BrokenKey),
        (block("RSA PRIVATE KEY", &der), KeyError::BrokenKey),
    ];
    for (secret, error) in cases {
        assert_eq!(parse(&secret), Err(error), "{}", error);
    }
}

#[test]
fn mistakes_in_a_form_name_the_field() {
    let check = |exchange: &str, api_key: &str, secret: &str| {
        let parsed = Credentials::parse(
            &builtin(exchange),
            Typed::new(api_key, &secret.to_owned().into()),
            Options::default(),
        );
        let error = parsed.err().unwrap();
        (error.field, error.problem, error.to_string())
    };
    let pem = pem_of("sv-binance-ed25519-01");
    let (field, problem, text) = check("binance", &pem, &"k".repeat(64));
    assert_eq!((field, problem), (Field::ApiKey, CredentialProblem::Swapped));
    assert!(text.contains("swapped"), "{text}");
    assert_eq!(check("binance", "same", "same").1, CredentialProblem::Same);
    assert_eq!(check("binance", "same", " same\n").1, CredentialProblem::Same);
    for api_key in ["", "with space", "line\n", "ключ", &"k".repeat(513)] {
        assert_eq!(check("binance", api_key, "secret").1, CredentialProblem::BadApiKey, "{api_key}");
    }
    let (field, problem, _) = check("coinone", "key", &pem);
    assert_eq!((field, problem), (Field::Secret, CredentialProblem::KindNotTaken(KeyKind::Ed25519)));
    assert_eq!(check("binance", "key", "").1, CredentialProblem::BadSecret(KeyError::Empty));
}

#[test]
fn an_error_never_shows_what_was_typed() {
    let parsed = Credentials::parse(
        &builtin("binance"),
        Typed::new("c4n4ry key", &"c4n4ry secret".to_owned().into()),
        Options::default(),
    );
    let error = parsed.err().unwrap();
    assert!(!format!("{error} {error:?}").contains("c4n4ry"));
}

#[test]
fn a_virtual_secret_has_the_exchanges_own_form_and_all_the_randomness() {
    for definition in Exchanges::builtin().iter() {
        let pair = |byte: u8| definition.virtual_pair(&seal::Key::filled(|key| key.fill(byte)));
        let first = pair(1);
        let letters = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric());
        let is_key = first.public_key_pem.is_some();
        assert!(letters(first.secret.expose()) != is_key, "plain letters and digits, or a key");
        assert_eq!(first.secret.expose(), pair(1).secret.expose(), "the same bytes, the same secret");
        assert_ne!(first.secret.expose(), pair(2).secret.expose());
        assert_eq!(first.passphrase.is_some(), definition.fields().contains(&Field::Passphrase));
        let typed =
            Typed { api_key: "kg_12345678", secret: &first.secret, passphrase: first.passphrase.as_ref() };
        let parsed = Credentials::parse(definition, typed, Options::default());
        assert_eq!(
            parsed.map(|pair| pair.kind() == KeyKind::Es256).ok(),
            Some(is_key),
            "{}",
            definition.id()
        );
    }
    let secret = |id: &str| builtin(id).virtual_pair(&seal::Key::filled(|key| key.fill(9))).secret;
    assert_eq!(secret("binance").expose().len(), 64);
    let coinone = secret("coinone");
    assert_eq!(coinone.expose().len(), 36);
    assert_eq!(
        coinone.expose(),
        coinone.expose().to_uppercase(),
        "clients that capitalise it change nothing"
    );
}

#[test]
fn a_pair_made_here_is_one_its_exchange_takes() {
    for definition in Exchanges::builtin().iter() {
        for kind in definition.own_keys().map(|own| own.kinds.clone()).unwrap_or_default() {
            let made = OwnKey::make(kind, &seal::random::key()).unwrap();
            let key = Credentials::parse(definition, Typed::new("key", &made.secret), Options::default());
            assert_eq!(key.map(|key| key.kind()).ok(), Some(kind), "{}", definition.id());
            let public = made.public_key_pem.as_str();
            assert!(public.starts_with("-----BEGIN PUBLIC KEY-----\n") && public.ends_with("-----\n"));
            assert!(public.lines().all(|line| line.len() <= 64), "{public}");
            assert!(!public.contains("PRIVATE"));
        }
    }
}

#[test]
fn an_ed25519_pair_is_made_of_its_random_bytes_alone() {
    let pair = |byte: u8| OwnKey::make(KeyKind::Ed25519, &seal::Key::filled(|key| key.fill(byte))).unwrap();
    assert_eq!(pair(1).secret.expose(), pair(1).secret.expose());
    assert_ne!(pair(1).public_key_pem, pair(2).public_key_pem);
    // RFC 8032, 7.1, test 2
    let seed = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
    let seed = data_encoding::HEXLOWER.decode(seed.as_bytes()).unwrap();
    let made = OwnKey::make(KeyKind::Ed25519, &seal::Key::filled(|key| key.copy_from_slice(&seed))).unwrap();
    let public = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAPUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=\n-----END PUBLIC KEY-----\n";
    assert_eq!(made.public_key_pem, public);
}

#[test]
fn no_pair_is_made_of_kinds_that_exchanges_keep_to_themselves() {
    for kind in [KeyKind::Hmac, KeyKind::Es256] {
        assert!(OwnKey::make(kind, &seal::random::key()).is_none());
    }
}

#[test]
fn every_letter_of_a_virtual_secret_is_about_as_likely() {
    let definition = builtin("binance");
    let mut counts = [0u32; 128];
    for number in 0..2_000u32 {
        let random = seal::Key::filled(|key| key[..4].copy_from_slice(&number.to_be_bytes()));
        for byte in definition.virtual_pair(&random).secret.expose().bytes() {
            counts[usize::from(byte)] += 1;
        }
    }
    let used: Vec<_> = counts.into_iter().filter(|count| *count > 0).collect();
    assert_eq!(used.len(), 62);
    let expected = 2_000.0 * 64.0 / 62.0;
    assert!(used.iter().all(|count| (f64::from(*count) - expected).abs() < 0.12 * expected), "{used:?}");
}

/// Coinone's documents and ccxt disagree about the secret's case, so it is a choice of the credential.
#[test]
fn a_credential_may_override_how_its_secret_is_read() {
    let options: Options = serde_json::from_str(r#"{"secret_transform":"upper"}"#).unwrap();
    assert_eq!(options.secret_transform, Some(SecretForm::Upper));
    assert_eq!(serde_json::from_str::<Options>("{}").unwrap(), Options::default());
    assert!(serde_json::from_str::<Options>(r#"{"secret_transform":"lower"}"#).is_err());
    assert!(serde_json::from_str::<Options>(r#"{"unknown":1}"#).is_err());
}
