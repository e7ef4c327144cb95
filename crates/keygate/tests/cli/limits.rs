//! `keygate limits`, and the alerts that follow.

use serde_json::{Value, json};

use crate::{
    home::Home,
    program::{ACCOUNT, ORDER, RESTING},
};

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
    home.feed("limits set Primary max_trade_amount_usd=700 --password-stdin", "wrong\n")
        .fails(4)
        .says("the password is wrong");
    let delay = home.json("limits delay");
    assert_eq!(delay["seconds"], 86_400);
    let password = format!("{}\n", crate::home::PASSWORD);
    let shorter = home.feed("limits delay 1 --password-stdin --output json", &password).ok().out;
    assert!(shorter.contains("\"next_seconds\": 3600"), "{shorter}");
    assert_eq!(home.json("limits delay --cancel")["next_seconds"], json!(null));
    home.run("limits delay --cancel").fails(5);
}

#[test]
fn alerts_are_listed_until_they_are_acknowledged() {
    let home = Home::new();
    let _server = home.with_bot();
    let _program = home.program().at_work();
    home.run("limits set Primary max_trade_amount_usd=20 max_leverage=1").ok();
    home.run("alerts acknowledge").ok().says("Noted.");
    assert_eq!(home.json("alerts list"), json!([]));
    let more = "limits set Primary max_trade_amount_usd=100 --password-file password";
    home.run(more).ok();
    home.run("limits set Primary max_leverage=3 --password-file password").ok();
    let open = home.json("alerts list");
    assert_eq!((open.as_array().unwrap().len(), &open[0]["kind"]), (2, &json!("raise-requested")), "{open}");
    assert!(home.run("alerts list").ok().out.contains("max_trade_amount_usd 100"));
    home.run(&format!("alerts acknowledge {}", open[0]["id"].as_str().unwrap())).ok().says("Noted.");
    let left = home.json("alerts list");
    assert_eq!((left.as_array().unwrap().len(), &left[0]["id"]), (1, &open[1]["id"]), "{left}");
    home.run("alerts acknowledge").ok();
    assert_eq!(home.json("alerts list"), json!([]));
    let all = home.json("alerts list --all");
    let seen = |own: &Value| own["acknowledged_at"].is_string();
    assert!(all.as_array().unwrap().len() >= 2 && all.as_array().unwrap().iter().all(seen), "{all}");
    home.run("alerts acknowledge 00000000-0000-7000-8000-000000000007").fails(5);
    home.run("alerts acknowledge seven").fails(2);
}

#[test]
fn raised_limits_that_wait_are_taken_back_one_by_one_or_all() {
    let home = Home::new();
    let _server = home.with_bot();
    let _program = home.program().at_work();
    home.run("limits set Primary max_trade_amount_usd=20 max_leverage=1").ok();
    let more = "limits set Primary max_trade_amount_usd=100 max_leverage=3 --password-file password";
    let told = home.run(more).ok().says("`keygate limits cancel Primary max_leverage` takes it back").err;
    assert!(told.contains("max_trade_amount_usd = 100"), "{told}");
    let waiting = |home: &Home| home.json("limits show Primary")["pending"].as_array().unwrap().len();
    assert_eq!(waiting(&home), 2);
    home.run("limits cancel Primary max_leverage").ok();
    assert_eq!(home.json("limits show Primary")["pending"][0]["member"], "max_trade_amount_usd");
    home.run("limits cancel Primary max_leverage").fails(5);
    home.run("limits cancel Primary").ok();
    assert_eq!(waiting(&home), 0);
    assert_eq!(home.json("limits show Primary")["limits"]["max_trade_amount_usd"], "20");
    home.run("limits cancel Primary").fails(5);
}

#[test]
fn each_template_sets_what_its_name_says() {
    let home = Home::new();
    let _server = home.with_bot();
    for (name, can_trade, amount, leverage) in [
        ("trade-limited", true, json!("500"), json!("1")),
        ("trade-full", true, json!(null), json!("1")),
        ("read-only", false, json!(null), json!("1")),
    ] {
        let set = format!("limits template Primary {name} --password-file password --output json");
        let state: Value = serde_json::from_str(&home.run(&set).ok().out).unwrap();
        let own = &state["limits"];
        let told = (&own["can_trade"], &own["max_trade_amount_usd"], &own["max_leverage"]);
        assert_eq!(told, (&json!(can_trade), &amount, &leverage), "{name}");
        assert_eq!((&own["can_read"], &own["can_withdraw"]), (&json!(true), &json!(false)), "{name}");
    }
    home.run("limits template Primary").fails(2).says("which template?");
    home.run("limits template Primary trade-everything").fails(1).says("trade-limited or trade-full");
}

#[test]
fn dry_run_is_said_first_and_the_past_is_gone_through_without_a_change() {
    let home = Home::new();
    let _server = home.with_bot();
    let password = format!("{}\n", crate::home::PASSWORD);
    let set = home.feed("limits set Primary dry_run=true --password-stdin", &password).ok().out;
    assert!(set.starts_with("Dry run:"), "{set}");
    assert_eq!(home.json("limits show Primary")["limits"]["dry_run"], true);
    let program = home.program();
    for _ in 0..2 {
        assert_eq!(program.call(ORDER, RESTING), 200);
    }
    assert_eq!(program.call(ACCOUNT, ""), 200);
    program.on_record(3);
    let past = home.run("limits replay Primary max_trade_amount_usd=20").ok().out;
    assert!(past.contains("Of 3 calls") && past.contains("2 would have been refused"), "{past}");
    assert!(past.contains("max-trade: 2 calls, 0 of them refused then as well"), "{past}");
    let read_only = home.json("limits replay Primary --template read-only");
    assert_eq!((&read_only["complete"], &read_only["denied"]), (&json!(true), &json!(2)), "{read_only}");
    assert_eq!(home.json("limits show Primary")["limits"]["max_trade_amount_usd"], json!(null));
    home.run("limits replay Primary nonsense").fails(2).says("LIMIT=VALUE");
    home.run("limits set Primary dry_run=false").ok();
}
