//! What an exchange, and whatever stands in front of it, may do to a request: one line each.

use super::proxy::{
    Answer, Fault,
    Step::{self, Close, Drip, Endless, Pause, Reset, Send, Silence, Stay},
};

/// How the answer looks to whoever asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Seen {
    /// The exchange's own, whole.
    Whole,
    /// None that could be read.
    Nothing,
    /// One with this status that is not in the exchange's words.
    Page(u16),
}

pub struct Row {
    pub name: &'static str,
    pub fault: Fault,
    pub seen: Seen,
}

/// The exchange carries it out, and then this happens.
const fn after(name: &'static str, seen: Seen, script: fn(&Answer) -> Vec<Step>) -> Row {
    Row { name, fault: Fault { carried_out: true, script }, seen }
}

/// The exchange never hears of it.
const fn instead(name: &'static str, seen: Seen, script: fn(&Answer) -> Vec<Step>) -> Row {
    Row { name, fault: Fault { carried_out: false, script }, seen }
}

/// An answer with these headers and this body.
fn with(status: &str, headers: &str, body: &[u8]) -> Step {
    Send([format!("HTTP/1.1 {status}\r\n{headers}\r\n").as_bytes(), body].concat())
}

/// Somebody's page, which repeats everything that it was asked.
fn page(status: &str, answer: &Answer) -> Vec<Step> {
    let body = [b"<html>".as_slice(), &answer.request].concat();
    vec![with(status, &format!("content-type: text/html\r\ncontent-length: {}\r\n", body.len()), &body), Stay]
}

fn length(of: &[u8], off: isize) -> String {
    format!("content-type: application/json\r\ncontent-length: {}\r\n", of.len().strict_add_signed(off))
}

fn half(bytes: &[u8]) -> Vec<u8> {
    bytes[..bytes.len() / 2].to_vec()
}

use Seen::{Nothing, Page, Whole};

/// Not beside others: until the second answer has come nobody can know that it will.
pub const AGAIN: Fault =
    Fault { carried_out: true, script: |own| vec![Send(own.bytes()), Pause(50), Send(own.bytes()), Stay] };

pub const ROWS: [Row; 37] = [
    instead("reset after it was read", Nothing, |_| vec![Reset]),
    instead("closed after it was read", Nothing, |_| vec![Close]),
    instead("read and never answered", Nothing, |_| vec![Silence]),
    instead("too many requests", Page(429), |own| page("429 Too Many Requests", own)),
    instead("banned", Page(418), |own| page("418 I'm a teapot", own)),
    instead("internal error", Page(500), |own| page("500 Internal Server Error", own)),
    instead("bad gateway", Page(502), |own| page("502 Bad Gateway", own)),
    instead("unavailable", Page(503), |own| page("503 Service Unavailable", own)),
    instead("gateway timeout", Page(504), |own| page("504 Gateway Timeout", own)),
    instead("sent elsewhere", Page(302), |own| page("302 Found\r\nlocation: /", own)),
    instead("forbidden by a firewall", Page(403), |own| page("403 Forbidden", own)),
    after("carried out, then reset", Nothing, |_| vec![Reset]),
    after("carried out, then closed", Nothing, |_| vec![Close]),
    after("carried out, never answered", Nothing, |_| vec![Silence]),
    after("reset in the head", Nothing, |own| vec![Send(half(&own.head)), Reset]),
    after("closed after the head", Nothing, |own| vec![Send(own.head.clone()), Close]),
    after("reset in the body", Nothing, |own| {
        vec![Send([own.head.clone(), half(&own.body)].concat()), Reset]
    }),
    after("slow head", Whole, |own| vec![Drip(own.head.clone(), 1), Send(own.body.clone()), Stay]),
    after("slow body", Whole, |own| vec![Send(own.head.clone()), Drip(own.body.clone(), 1), Stay]),
    after("too slow", Nothing, |own| vec![Drip(own.bytes(), 100), Stay]),
    after("stalled in the body", Nothing, |own| {
        vec![Send([own.head.clone(), half(&own.body)].concat()), Silence]
    }),
    after("answered twice", Whole, |own| vec![Send([own.bytes(), own.bytes()].concat()), Stay]),
    after("answered, then closed", Whole, |own| vec![Send(own.bytes()), Close]),
    after("longer than it says", Page(200), |own| {
        vec![with("200 OK", &length(&own.body, -1), &own.body), Stay]
    }),
    after("shorter than it says", Nothing, |own| {
        vec![with("200 OK", &length(&own.body, 1), &own.body), Close]
    }),
    after("two lengths", Nothing, |own| {
        let both = format!("{}{}", length(&own.body, 0), length(&own.body, -1));
        vec![with("200 OK", &both, &own.body), Stay]
    }),
    after("chunk that does not end", Nothing, |own| {
        let chunk = format!("{:x}\r\n{}x\r\n0\r\n\r\n", own.body.len(), String::from_utf8_lossy(&own.body));
        vec![with("200 OK", "transfer-encoding: chunked\r\n", chunk.as_bytes()), Stay]
    }),
    after("chunk without a size", Nothing, |_| {
        vec![with("200 OK", "transfer-encoding: chunked\r\n", b"size\r\n{}\r\n"), Stay]
    }),
    after("no last chunk", Nothing, |own| {
        let chunk = format!("{:x}\r\n{}\r\n", own.body.len(), String::from_utf8_lossy(&own.body));
        vec![with("200 OK", "transfer-encoding: chunked\r\n", chunk.as_bytes()), Close]
    }),
    after("packed", Nothing, |own| {
        vec![with("200 OK", &format!("content-encoding: gzip\r\n{}", length(&own.body, 0)), &own.body), Stay]
    }),
    after("without an end", Nothing, |_| {
        vec![
            with("200 OK", "transfer-encoding: chunked\r\n", b""),
            Endless(b"400\r\n".iter().copied().chain([b'x'; 1024]).chain(*b"\r\n").collect()),
        ]
    }),
    after("interim answers without an end", Nothing, |_| {
        vec![Endless(b"HTTP/1.1 103 Early Hints\r\nlink: </>\r\n\r\n".to_vec())]
    }),
    after("head without an end", Nothing, |_| {
        vec![Send(b"HTTP/1.1 200 OK\r\n".to_vec()), Endless(b"x: y\r\n".to_vec())]
    }),
    after("not HTTP", Nothing, |own| vec![Send(own.body.clone()), Close]),
    after("no JSON", Page(200), |own| page("200 OK", own)),
    after("nothing in it", Page(200), |_| vec![with("200 OK", "content-length: 0\r\n", b""), Stay]),
    after("carried out, then unavailable", Page(503), |own| page("503 Service Unavailable", own)),
];
