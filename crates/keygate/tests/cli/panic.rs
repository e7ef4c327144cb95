//! `keygate panic`: stop, take open orders back, and start again.

use serde_json::json;

use crate::{
    home::Home,
    program::{ACCOUNT, ORDER, RESTING},
};

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
fn stop_of_the_site_holds_everybody_until_an_administrator_ends_it() {
    let home = Home::new();
    let _server = home.with_bot();
    let program = home.program();
    assert_eq!(program.call(ACCOUNT, ""), 200);
    home.run("panic --site --connection Primary").fails(2);
    home.run("panic --site --reason flood").ok().says("`keygate panic resume --site` starts it again");
    assert_eq!(home.json("panic show")["in_force"][0]["scope"], "site");
    assert_eq!(program.call(ACCOUNT, ""), 403);
    home.run("panic resume --password-file password").fails(5);
    home.run("panic resume --site").fails(4).says("--password-file");
    assert_eq!(program.call(ACCOUNT, ""), 403);
    home.run("panic resume --site --password-file password").ok().says("Signing goes on.");
    assert_eq!(program.call(ACCOUNT, ""), 200);
}

#[test]
fn panic_that_takes_orders_back_waits_and_its_exit_code_tells_whether_that_is_done() {
    let home = Home::new();
    let _server = home.with_bot();
    let program = home.program();
    assert_eq!(program.call(ORDER, RESTING), 200);
    let done = home.run("panic --cancel-orders").ok().says("All signing has stopped.").out;
    assert!(done.contains("Primary: 1 orders found, 1 taken back, 0 gone before"), "{done}");
    let again = home.run("panic --cancel-orders").ok().out;
    assert!(again.contains("Primary: 0 orders found"), "nothing rests any more: {again}");
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
