//! A bot's program without a library: it shows its token and calls the gate.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use crate::home::Home;

pub const ACCOUNT: &str = "GET /api/v3/account";
pub const ORDER: &str = "POST /api/v3/order";
/// It rests: 0.001 BTC for 50,000, worth 50 dollars.
pub const RESTING: &str = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=50000";

pub struct Program<'h> {
    home: &'h Home,
    token: String,
}

impl Home {
    /// Of the bot `grid`, with a pair of its own.
    pub fn program(&self) -> Program<'_> {
        let pair = self.json("access create --bot grid");
        Program { home: self, token: pair["token"].as_str().unwrap().to_owned() }
    }
}

impl Program<'_> {
    /// What it is answered: the status.
    pub fn call(&self, what: &str, body: &str) -> u16 {
        let (method, path) = what.split_once(' ').unwrap();
        let (host, length) = (self.home.url.strip_prefix("http://").unwrap(), body.len());
        let mut stream = TcpStream::connect(host.replace("localhost", "127.0.0.1")).unwrap();
        let head = format!(
            "{method} /x/binance{path} HTTP/1.1\r\nhost: {host}\r\nx-keygate-key: {}\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n",
            self.token
        );
        stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// Has read, so that what lets more through waits from now on.
    pub fn at_work(self) -> Self {
        assert_eq!(self.call(ACCOUNT, ""), 200);
        self.on_record(1);
        self
    }

    /// Waits until so many of its calls are on record.
    pub fn on_record(&self, calls: usize) {
        for _ in 0..100 {
            let entries = self.home.json("activity tail -n 200 --decision allow");
            let outcomes = entries.as_array().unwrap().iter().filter(|entry| entry["phase"] != "intent");
            if outcomes.count() >= calls {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        panic!("the record does not have {calls} calls");
    }
}
