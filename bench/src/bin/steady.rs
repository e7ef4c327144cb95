//! Requests at a steady rate: `steady PORT RATE SECONDS CONNECTIONS < REQUESTS`, where requests are whole and stand apart by
//! a zero byte. Says how long answers took, in microseconds. A late request counts from when it was due, so that a
//! server which stops for a moment cannot hide it.
#![allow(clippy::expect_used, clippy::print_stdout, reason = "a measuring tool")]

use std::{
    env,
    error::Error,
    io::{self, Read, Write},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// When each request is due.
#[derive(Clone, Copy)]
struct Schedule {
    begin: Instant,
    rate: f64,
    /// How many requests there are; those at the beginning warm up.
    count: usize,
    warm_up: usize,
    connections: usize,
}

fn main() -> Result<()> {
    let arguments =
        env::args().skip(1).map(|text| text.parse()).collect::<std::result::Result<Vec<u16>, _>>()?;
    let [port, rate, seconds, connections] = arguments[..] else {
        return Err("usage: steady PORT RATE SECONDS CONNECTIONS < REQUESTS".into());
    };
    let (mut requests, rate) = (Vec::new(), f64::from(rate));
    io::stdin().read_to_end(&mut requests)?;
    let requests: &[&[u8]] = &requests.split(|byte| *byte == 0).collect::<Vec<_>>();
    let schedule = Schedule {
        begin: Instant::now() + Duration::from_millis(100),
        rate,
        count: (rate * (f64::from(seconds) + WARM_UP)) as usize,
        warm_up: (rate * WARM_UP) as usize,
        connections: connections.into(),
    };
    let mut took = thread::scope(|scope| {
        let client = |first| scope.spawn(move || client(port, requests, schedule, first));
        let clients: Vec<_> = (0..schedule.connections).map(client).collect();
        clients
            .into_iter()
            .map(|client| client.join().expect("a client that does not panic"))
            .collect::<Result<Vec<_>>>()
    })?
    .concat();
    took.sort_unstable();
    let part = |percent: usize| took.get(took.len() * percent / 100).map_or(0, Duration::as_micros);
    println!("{}", serde_json::json!({ "p50": part(50), "p99": part(99) }));
    Ok(())
}

/// One connection: every so many-th request.
fn client(port: u16, requests: &[&[u8]], schedule: Schedule, first: usize) -> Result<Vec<Duration>> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    let mut took = Vec::new();
    for number in (first..schedule.count).step_by(schedule.connections) {
        let due = schedule.begin + Duration::from_secs_f64(number as f64 / schedule.rate);
        thread::sleep(due.saturating_duration_since(Instant::now()));
        stream.write_all(requests[number % requests.len()])?;
        answer(&mut stream)?;
        if number >= schedule.warm_up {
            took.push(due.elapsed());
        }
    }
    Ok(took)
}

/// Reads one answer to its end.
fn answer(stream: &mut TcpStream) -> Result<()> {
    let (mut received, mut room) = (Vec::new(), [0; 16 * 1024]);
    let mut whole = usize::MAX;
    while received.len() < whole {
        let read = stream.read(&mut room)?;
        if read == 0 {
            return Err("the connection was closed".into());
        }
        received.extend_from_slice(&room[..read]);
        if whole == usize::MAX {
            whole = length(&received)?.unwrap_or(usize::MAX);
        }
    }
    Ok(())
}

/// The length of a good answer, once its head is there.
fn length(received: &[u8]) -> Result<Option<usize>> {
    let Some(head) = received.windows(4).position(|end| end == b"\r\n\r\n") else { return Ok(None) };
    let text = String::from_utf8_lossy(&received[..head]).to_ascii_lowercase();
    if !text.starts_with("http/1.1 2") {
        return Err(String::from_utf8_lossy(received).into());
    }
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
    Ok(Some(head + 4 + length.ok_or("an answer without a length")?.trim().parse::<usize>()?))
}

const WARM_UP: f64 = 0.5;
