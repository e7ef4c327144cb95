//! An answer that is lost on the way: the command asks again, and what it changes is changed once.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use crate::home::{Done, Home};

/// Passes requests on to the server and answers back, but for the answers to so many POSTs, which it drops.
struct Lossy {
    url: String,
    lost: Arc<AtomicUsize>,
}

impl Lossy {
    fn before(home: &Home, losses: usize) -> Lossy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (lost, server) = (Arc::new(AtomicUsize::new(0)), home.url.replace("http://", ""));
        let counted = lost.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                relay(stream.unwrap(), &server, &counted, losses);
            }
        });
        Lossy { url, lost }
    }

    fn run(&self, home: &Home, line: &str) -> Done {
        let mut command = home.command(&line.split(' ').collect::<Vec<_>>());
        command.env("KEYGATE_URL", &self.url).env("KEYGATE_TOKEN_FILE", home.path("token"));
        Done::of(command)
    }
}

/// One request and its answer; then the connection ends.
fn relay(mut client: TcpStream, server: &str, lost: &AtomicUsize, losses: usize) {
    let request = message(&mut client);
    if request.is_empty() {
        return;
    }
    let text = String::from_utf8_lossy(&request).into_owned();
    let own_host = client.local_addr().unwrap().to_string();
    let forwarded = text.replacen(&own_host, server, 1).replacen("\r\n", "\r\nconnection: close\r\n", 1);
    let mut upstream = TcpStream::connect(server).unwrap();
    upstream.write_all(forwarded.as_bytes()).unwrap();
    let answer = message(&mut upstream);
    if text.starts_with("POST") && lost.load(Ordering::SeqCst) < losses {
        lost.fetch_add(1, Ordering::SeqCst);
        return;
    }
    client.write_all(&answer).unwrap();
}

/// A head, and a body of the length it names.
fn message(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut one = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        match stream.read(&mut one) {
            Ok(1) => bytes.push(one[0]),
            _ => return Vec::new(),
        }
    }
    let head = String::from_utf8_lossy(&bytes).to_lowercase();
    let length = head
        .split("content-length: ")
        .nth(1)
        .and_then(|rest| rest.split("\r\n").next())
        .map_or(0, |n| n.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    bytes.extend(body);
    bytes
}

fn signed_in() -> (Home, crate::home::Server) {
    let home = Home::new();
    let server = home.with_bot();
    let key = home.json("access create --scopes read,manage");
    home.file("token", key["token"].as_str().unwrap());
    (home, server)
}

#[test]
fn command_whose_answer_is_lost_asks_again_and_does_its_work_once() {
    let (home, _server) = signed_in();
    let way = Lossy::before(&home, 2);
    way.run(&home, "bot add second --connection Primary").ok();
    assert_eq!(way.lost.load(Ordering::SeqCst), 2);
    let bots = home.json("bot list");
    assert_eq!(bots.as_array().unwrap().iter().filter(|bot| bot["name"] == "second").count(), 1);
}

#[test]
fn pair_whose_answer_is_lost_is_shown_all_the_same_and_is_the_only_one() {
    let (home, _server) = signed_in();
    let way = Lossy::before(&home, 1);
    let pair = way.run(&home, "access create --bot grid --scopes read --output json").ok();
    assert!(pair.out.contains("\"secret\""), "{pair:?}");
    assert_eq!(home.json("access list --bot grid").as_array().unwrap().len(), 1);
}

#[test]
fn command_gives_up_when_every_answer_is_lost() {
    let (home, _server) = signed_in();
    let way = Lossy::before(&home, usize::MAX);
    way.run(&home, "bot add second --connection Primary").fails(8).says("no answer");
    assert_eq!(way.lost.load(Ordering::SeqCst), 3);
}
