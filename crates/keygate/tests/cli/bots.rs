//! The printed code, run as it is by the real client libraries, against the gate.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::home::{Done, Home, python};

const CCXT_ORDER: &str =
    "print('order', exchange.create_order('BTC/USDT', 'limit', 'buy', 0.001, 60500)['id'])\n";
const PYTHON_BINANCE_ORDER: &str = "print('order', client.create_order(symbol='BTCUSDT', side='BUY', \
    type='MARKET', quantity='0.001')['orderId'])\n";

#[test]
fn printed_code_orders_through_the_gate() {
    let home = Home::new();
    let _server = home.with_bot();
    let python = python();
    for (program, order) in [("ccxt", CCXT_ORDER), ("python-binance", PYTHON_BINANCE_ORDER)] {
        let code = home
            .run(&format!("config {program} --bot grid --new-pair --password-file password"))
            .ok()
            .says("only time")
            .out;
        let script = home.file("bot.py", &format!("{code}{order}"));
        let done = Done::of(quiet(Command::new(&python).arg(script))).ok();
        assert!(done.out.contains("USDT") && done.out.contains("order "), "{program}: {done:?}");
    }
    let curl = home.run("config curl --bot grid --new-pair --password-file password").ok().out;
    let done = Done::of(quiet(Command::new("sh").arg(home.file("bot.sh", &curl)))).ok();
    assert!(done.out.contains("\"balances\""), "{done:?}");
    let entries = home.json("activity tail -n 200");
    let orders = entries.as_array().unwrap().iter().filter(|entry| {
        entry["endpoint"] == "/api/v3/order" && entry["phase"] == "outcome" && entry["status_code"] == 200
    });
    assert_eq!(orders.count(), 2, "both orders are on record: {entries}");
}

#[test]
fn code_without_a_secret_reads_the_pair_from_the_environment() {
    let home = Home::new();
    let _server = home.with_bot();
    let env = home.run("config env --bot grid --new-pair").ok().out;
    let pair: Vec<(&str, &str)> = env.lines().map(|line| line.split_once('=').unwrap()).collect();
    let secret = pair.iter().find(|(name, _)| *name == "BINANCE_API_SECRET").unwrap().1;
    let code = home.run("config ccxt --bot grid").ok().out;
    assert!(!code.contains(secret) && code.contains("BINANCE_API_SECRET"), "{code}");
    let mut bot = Command::new(python());
    bot.arg(home.file("bot.py", &code)).envs(pair.iter().copied());
    assert!(Done::of(quiet(&mut bot)).ok().out.contains("USDT"));
    assert_eq!(home.json("bot show grid")["active_access_keys"], 1, "only --new-pair makes a pair");

    let code = home.run("config ccxt-js --bot grid").ok().out;
    let mut bot = Command::new("node");
    let clients = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/clients");
    bot.arg("--input-type=module").arg("-").envs(pair).current_dir(clients);
    let script = home.file("bot.mjs", &code);
    bot.stdin(fs::File::open(script).unwrap());
    let done = Done::from(bot.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap()).ok();
    assert!(done.out.contains("USDT"), "{done:?}");
}

#[test]
fn each_program_that_speaks_to_the_exchange_has_its_text() {
    let home = Home::new();
    let _server = home.with_bot();
    for program in ["ccxt", "ccxt-js", "freqtrade", "python-binance", "hummingbot", "curl", "env"] {
        let text = home.run(&format!("config {program} --bot grid")).ok().out;
        assert!(text.contains(&format!("{}/x/binance", home.url)), "{program}: {text}");
    }
    for program in ["pybit", "krakenex"] {
        let done = home.run(&format!("config {program} --bot grid"));
        assert_eq!(done.code, 2, "{done:?}");
        assert!(done.err.contains(&format!("{program} does not speak to Binance")), "{done:?}");
    }
    assert_eq!(home.json("bot show grid")["active_access_keys"], 0, "only --new-pair makes a pair");
}

#[test]
fn export_is_complete_and_readable() {
    let home = Home::new();
    let _server = home.with_bot();
    let lines = home.run("activity export").ok().out;
    let entries: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(entries.iter().any(|entry| entry["operation"] == "create"), "{lines}");
    let csv = home.run("activity export --format csv").ok().out;
    assert_eq!(csv.lines().count(), entries.len() + 1);
    let none = home.run("activity export --connection Primary --since 2099-01-01T00:00:00Z").ok().out;
    assert_eq!(none, "");
}

fn quiet(command: &mut Command) -> Command {
    let mut copy = Command::new(command.get_program());
    copy.args(command.get_args()).stdin(Stdio::null());
    for (name, value) in command.get_envs() {
        value.map(|value| copy.env(name, value));
    }
    copy
}

#[test]
fn another_symbol_asks_for_the_password_waits_and_is_taken_back() {
    let home = Home::new();
    let _server = home.with_bot();
    assert_eq!(home.json("bot set grid --symbol BTC/USDT")["symbol"], "BTC/USDT");
    home.run("bot set grid").fails(2).says("nothing to change");
    home.run("bot set grid --any-symbol").fails(4).says("--password-file");
    let curl = home.run("config curl --bot grid --new-pair --password-file password").ok().out;
    Done::of(quiet(Command::new("sh").arg(home.file("bot.sh", &curl)))).ok();
    home.run("activity tail").ok();
    let asked = home.run("bot set grid --any-symbol --password-file password").ok();
    asked.says("`keygate bot cancel grid` takes it back");
    let bot = home.json("bot show grid");
    assert_eq!((&bot["symbol"], &bot["pending_symbol"]["symbol"]), (&"BTC/USDT".into(), &Value::Null));
    assert!(bot["pending_symbol"]["effective_at"].is_string(), "{bot}");
    assert_eq!(home.json("bot cancel grid")["pending_symbol"], Value::Null);
    home.run("bot cancel grid").fails(5);
    assert_eq!(home.json("bot set grid --stop --name lattice")["is_active"], false);
}
