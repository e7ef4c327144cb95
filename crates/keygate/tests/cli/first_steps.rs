//! The first ten minutes by command line alone.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::home::{Home, PASSWORD, TRADE_KEY, TRADE_SECRET, add_connection};

#[test]
fn from_the_setup_link_to_a_virtual_pair_without_a_browser() {
    let home = Home::new();
    let _server = home.with_owner(&["--demo"]);
    assert_eq!(home.json("whoami")["role"], "owner");

    let added = home.feed(&add_connection("--trade"), &format!("{TRADE_SECRET}\n")).ok();
    assert!(added.out.contains("HIGH: The key works from every address."), "{added:?}");
    assert!(!added.out.contains(TRADE_SECRET) && !added.err.contains(TRADE_SECRET));
    assert!(!added.out.contains(TRADE_KEY), "only the ends of the public key are shown");
    added.says("Next: keygate bot add NAME --connection binance/Primary");

    home.run("bot add grid --connection Primary --symbol BTC/USDT").ok();
    let pair = home.json("access create --bot grid --name first");
    let secret = pair["virtual_pair"]["secret"].as_str().unwrap();
    assert_eq!(pair["virtual_pair"]["api_key"], pair["prefix"]);
    assert_eq!(secret.len(), 64, "as long as Binance's own");
    let listed = home.run("access list --bot grid --output json").ok();
    assert!(!listed.out.contains(secret), "shown once");

    let prefix = pair["prefix"].as_str().unwrap();
    home.run(&format!("access revoke {prefix} --yes")).ok().says("opens nothing any more");
    assert!(home.json("access list --bot grid")[0]["revoked_at"].is_string());
}

#[test]
fn a_connection_is_paused_checked_and_deleted_by_name() {
    let home = Home::new();
    let _server = home.with_bot();
    assert_eq!(home.json("connection pause binance/Primary")["status"], "paused");
    assert_eq!(home.json("connection resume Primary")["status"], "active");
    assert_eq!(home.json("connection check binance/practice/Primary")["verification_status"], "verified");
    let preview = home.json("connection delete Primary --dry-run");
    assert_eq!((&preview["deleted"], &preview["bots"][0]["name"]), (&Value::Bool(false), &"grid".into()));
    home.run("connection delete Primary").fails(2).says("pass --confirm NAME");
    home.run("connection delete Primary --confirm Prim").fails(2).says("nothing was done");
    assert_eq!(home.json("connection list")[0]["status"], "active");
    let deleted = home.run("connection delete Primary --confirm Primary").ok();
    assert!(deleted.err.contains("goes with it: bot grid"), "{deleted:?}");
    assert_eq!(home.json("connection list")[0]["status"], "deleted");
}

#[test]
fn commands_at_the_same_time_use_a_refresh_token_once() {
    let home = Home::new();
    let _server = home.with_owner(&[]);
    let path = home.path(".local/state/keygate/session.json");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    for _ in 0..2 {
        let mut session: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        session["expires_at"] = 0.into();
        std::fs::write(&path, session.to_string()).unwrap();
        std::thread::scope(|scope| {
            let runs: Vec<_> = (0..6).map(|_| scope.spawn(|| home.run("whoami"))).collect();
            runs.into_iter().for_each(|run| drop(run.join().unwrap().ok()));
        });
    }
}

#[test]
fn logout_ends_the_sign_in_here_and_at_the_server() {
    let home = Home::new();
    let _server = home.with_owner(&[]);
    let session = std::fs::read(home.path(".local/state/keygate/session.json")).unwrap();
    let session: Value = serde_json::from_slice(&session).unwrap();
    home.run("logout").ok();
    home.run("whoami").fails(3).says("`keygate login` signs in");
    let mut stolen = home.command(&["whoami"]);
    stolen.env("KEYGATE_TOKEN", session["access_token"].as_str().unwrap());
    crate::home::Done::of(stolen).fails(3).says("request ");
    home.feed("login --email OWNER@example.org --password-stdin", PASSWORD).ok();
    assert_eq!(home.json("status")["signed_in_as"], "owner@example.org");
}
