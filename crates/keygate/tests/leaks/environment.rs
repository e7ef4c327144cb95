//! A secret that came in an environment variable works, and can be read in `/proc` no more.

use std::{fs, io::ErrorKind, process::Command};

use base64::{Engine, engine::general_purpose::STANDARD};
use keygate::db::Scratch;

use crate::spawned_keygate::Service;

/// Found in the environment all the same: the search works.
const HARMLESS: &str = "KEYGATE_DEMO__ORIGIN=http://127.0.0.1:1";

#[test]
fn a_master_key_does_not_stay_in_the_environment() {
    let key = STANDARD.encode(seal::random::array::<32>());
    let mut service = Service::unborn("http://127.0.0.1:1");
    service.environment =
        vec![("KEYGATE_MASTER_KEY__VALUE", key.clone()), ("KEYGATE_MASTER_KEY__SOURCE", "env".to_owned())];
    service.start();
    assert_gone(&service, &key);
    service.kill();
    assert!(service.log().contains("KEYGATE_MASTER_KEY__VALUE"), "no warning: {}", service.log());
    assert!(!service.log().contains(&key));
    assert!(!service.data_dir().join("master.key").exists(), "another key was made");

    // The older name gives the same key: only with it the data can be opened.
    service.environment = vec![("PLATFORM_MASTER_KEY", key.clone())];
    service.start();
    assert_gone(&service, &key);
    service.kill();
    service.environment = vec![("KEYGATE_MASTER_KEY", format!("{{source=\"env\", value=\"{key}\"}}"))];
    service.start();
    assert_gone(&service, &key);
}

#[tokio::test]
async fn a_database_password_does_not_stay_in_the_environment() {
    let scratch = Scratch::new().await.unwrap();
    let password = &data_encoding::HEXLOWER.encode(&seal::random::array::<16>());
    let socket = scratch.cluster().directory().to_str().unwrap().replace('/', "%2F");
    let mut service = Service::unborn("http://127.0.0.1:1");
    let url = format!("postgres://keygate_migrator:{password}@{socket}/scratch_0");
    service.environment = vec![("KEYGATE_DATABASE__URL", url)];
    service.start();
    assert!(!service.socket().exists(), "it does not use the database that was given");
    assert_gone(&service, password);
    assert!(service.log().contains("KEYGATE_DATABASE__URL"), "no warning: {}", service.log());
    assert!(!service.log().contains(password));
}

/// Neither the server nor the database it started shows it, or a part of it.
#[track_caller]
fn assert_gone(service: &Service, secret: &str) {
    let Some(environ) = environ(service.pid()) else {
        return println!("skipped: only root may read the environment of the server");
    };
    assert!(environ.contains(HARMLESS), "this is not the environment: {environ}");
    for part in secret.as_bytes().windows(8).map(|part| std::str::from_utf8(part).unwrap()) {
        assert!(!environ.contains(part), "'{part}' is still in the environment");
    }
    for child in children(service.pid()) {
        let environ = self::environ(child).unwrap_or_default();
        assert!(!environ.contains(secret), "the process {child} was given it");
    }
}

/// Nothing where only root may look.
fn environ(pid: u32) -> Option<String> {
    match fs::read(format!("/proc/{pid}/environ")) {
        Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => None,
        Err(error) => panic!("{error}"),
    }
}

fn children(pid: u32) -> Vec<u32> {
    let output = Command::new("ps").args(["-o", "pid=", "--ppid", &pid.to_string()]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_whitespace().map(|word| word.parse().unwrap()).collect()
}
