//! `keygate limits` and `keygate panic`.

use serde_json::json;

use crate::home::Home;

#[test]
fn limits_are_shown_in_words_and_set_one_by_one() {
    let home = Home::new();
    let _server = home.with_bot();
    assert!(home.run("limits template").ok().out.contains("trade-limited"));
    let set = home
        .run("limits set Primary max_trade_amount_usd=500 allowed_symbols=BTC/USDT,ETH/USDT max_leverage=1");
    let words = set.ok().out;
    assert!(words.contains("They may trade BTC/USDT and ETH/USDT only."), "{words}");
    assert!(words.contains("Orders: at most 500 USD an order."), "{words}");
    let limits = home.json("limits show Primary");
    assert_eq!(limits["limits"]["allowed_symbols"], json!(["BTC/USDT", "ETH/USDT"]));
    home.run("limits set Primary max_trade_amount_usd=lots").fails(1).says("max_trade_amount_usd");
    home.run("limits set Primary nonsense").fails(2).says("LIMIT=VALUE");
    home.run("limits show Nobody").fails(5);
}

#[test]
fn more_needs_the_password_from_a_file_or_standard_input() {
    let home = Home::new();
    let _server = home.with_bot();
    home.run("limits set Primary max_trade_amount_usd=500").ok();
    home.run("limits set Primary max_trade_amount_usd=600").fails(4).says("--password-file");
    let more = format!("{}\n", crate::home::PASSWORD);
    let state = home.feed("limits set Primary max_trade_amount_usd=600 --password-stdin", &more).ok().out;
    assert!(state.contains("600 USD an order"), "no program has used it yet: {state}");
    home.feed("limits set Primary max_trade_amount_usd=700 --password-stdin", "wrong\n").fails(3);
    let delay = home.json("limits delay");
    assert_eq!(delay["seconds"], 86_400);
    let password = format!("{}\n", crate::home::PASSWORD);
    let shorter = home.feed("limits delay 1 --password-stdin --output json", &password).ok().out;
    assert!(shorter.contains("\"next_seconds\": 3600"), "{shorter}");
    assert_eq!(home.json("limits delay --cancel")["next_seconds"], json!(null));
    home.run("limits delay --cancel").fails(5);
}

#[test]
fn alerts_are_listed_and_acknowledged() {
    let home = Home::new();
    let _server = home.with_bot();
    home.run("alerts list").ok();
    assert_eq!(home.json("alerts list --all"), json!([]));
    home.run("alerts acknowledge").ok().says("Noted.");
    home.run("alerts acknowledge 00000000-0000-7000-8000-000000000007").fails(5);
    home.run("alerts acknowledge seven").fails(2);
}

#[test]
fn panic_stops_without_a_question_and_the_password_starts_again() {
    let home = Home::new();
    let _server = home.with_bot();
    home.run("panic --reason drill").ok().says("All signing has stopped.");
    assert_eq!(home.json("panic show")["in_force"][0]["reason"], "drill");
    home.run("panic resume").fails(4).says("--password-file");
    home.feed("panic resume --password-stdin", &format!("{}\n", crate::home::PASSWORD))
        .ok()
        .says("Signing goes on.");
    assert_eq!(home.json("panic show")["in_force"], json!([]));
    home.run("panic --connection Nobody").fails(5);
}

#[test]
fn every_stop_is_told_and_the_end_of_one_says_what_stands_still() {
    let home = Home::new();
    let _server = home.with_bot();
    let password = format!("{}\n", crate::home::PASSWORD);
    home.run("panic --connection Primary --reason first").ok().says("resume --connection Primary");
    home.run("panic --reason second").ok();
    let told = home.run("panic show").ok().out;
    for part in ["connection", "Primary", "first", "own", "second", "last signed"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let left = home.feed("panic resume --password-stdin", &password).ok();
    left.says("This stop has ended. Still stopped: connection Primary.");
    home.feed("panic resume --connection Primary --password-stdin", &password).ok().says("Signing goes on.");
}

#[test]
fn dry_run_is_said_first_and_the_past_is_gone_through_without_a_change() {
    let home = Home::new();
    let _server = home.with_bot();
    let password = format!("{}\n", crate::home::PASSWORD);
    let set = home.feed("limits set Primary dry_run=true --password-stdin", &password).ok().out;
    assert!(set.starts_with("Dry run:"), "{set}");
    assert_eq!(home.json("limits show Primary")["limits"]["dry_run"], true);
    let past = home.run("limits replay Primary max_trade_amount_usd=1").ok().out;
    assert!(past.contains("Of 0 calls") && past.contains("0 would have been refused"), "{past}");
    assert_eq!(home.json("limits replay Primary --template read-only")["complete"], true);
    assert_eq!(home.json("limits show Primary")["limits"]["max_trade_amount_usd"], json!(null));
    home.run("limits replay Primary nonsense").fails(2).says("LIMIT=VALUE");
    home.run("limits set Primary dry_run=false").ok();
}

#[test]
fn panic_that_takes_orders_back_waits_and_its_exit_code_tells_whether_that_is_done() {
    let home = Home::new();
    let _server = home.with_bot();
    let done = home.run("panic --cancel-orders").ok().says("All signing has stopped.").out;
    assert!(done.contains("Primary: 0 orders found"), "{done}");
    home.feed("panic resume --password-stdin", &format!("{}\n", crate::home::PASSWORD)).ok();
    let add = "connection add mexc --environment practice --api-key DemoMexcTradeKey0002 --secret-stdin --trade --name Other";
    home.feed(add, "DemoMexcTradeSecret0002").ok();
    let failed = home.run("panic --cancel-orders").fails(1).says("Not all orders were taken back");
    assert!(
        failed.out.contains("Other: not done: this exchange lists open orders market by market"),
        "{}",
        failed.out
    );
    home.run("panic show").ok().says("Not all orders were taken back");
}
