//! `keygate unsettled`: an order whose answer was lost, and which has no id that the exchange could be asked by.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use serde_json::json;

use crate::home::{Home, PASSWORD, Server};

fn post(host: &str, path: &str, headers: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(host.replace("localhost", "127.0.0.1")).unwrap();
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {host}\r\n{headers}connection: close\r\ncontent-length: {length}"
    );
    write!(stream, "{head}\r\n\r\n{body}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn lose_the_next_list(server: &Server) {
    let words = server.lines.iter().flat_map(|line| line.split(' '));
    let page = words.into_iter().find(|word| word.contains("/_demo/")).unwrap();
    let host = page.trim_start_matches("http://").split('/').next().unwrap();
    let fault = json!({"fault": "drop_before", "path": "/api/v3/orderList/oco"}).to_string();
    assert!(post(host, "/_demo/faults", "content-type: application/json\r\n", &fault).contains(" 200 "));
}

#[test]
fn lost_order_is_listed_and_settled_with_the_password() {
    let home = Home::new();
    let server = home.with_bot();
    assert_eq!(home.json("unsettled list"), json!([]));
    let pair = home.json("access create --bot grid");
    lose_the_next_list(&server);
    let headers = format!(
        "x-keygate-key: {}\r\ncontent-type: application/x-www-form-urlencoded\r\n",
        pair["token"].as_str().unwrap()
    );
    let list = "symbol=BTCUSDT&side=SELL&quantity=0.001&aboveType=LIMIT_MAKER&abovePrice=90000&belowType=STOP_LOSS\
                &belowStopPrice=10000";
    let host = home.url.strip_prefix("http://").unwrap().to_owned();
    let lost = post(&host, "/x/binance/api/v3/orderList/oco", &headers, list);
    assert!(lost.contains(" 504 "), "{lost}");

    let listed = home.json("unsettled list");
    assert_eq!((&listed[0]["symbol"], &listed[0]["is_asked"]), (&json!("BTCUSDT"), &json!(false)));
    let settle = format!("unsettled settle {}", listed[0]["request_id"].as_str().unwrap());
    home.run(&settle).fails(2);
    home.run(&format!("{settle} --never --happened")).fails(2);
    home.run(&format!("{settle} --never")).fails(4).says("--password-file");
    home.feed(&format!("{settle} --never --password-stdin"), "wrong\n").fails(4);
    let done = home.feed(&format!("{settle} --never --password-stdin"), &format!("{PASSWORD}\n")).ok();
    done.says("it never happened");
    assert_eq!(home.json("unsettled list"), json!([]));
    home.feed(&format!("{settle} --happened --password-stdin"), &format!("{PASSWORD}\n")).fails(5);
    let record = home.run("activity tail --decision management").ok().out;
    assert!(record.contains("settle-never") && record.contains("bot-create"), "{record}");
}
