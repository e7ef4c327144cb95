//! Connections are scarce: nobody keeps one without using it, and nobody has all of them.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use crate::{raw::host, world::World};

/// A connection from an address of this machine.
async fn from(world: &World, ip: &str) -> TcpStream {
    let server: SocketAddr = host(&world.api).parse().unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(ip.parse().unwrap(), 0)).unwrap();
    socket.connect(server).await.unwrap()
}

/// What comes until the server closes the connection; nothing, if it does not within so many seconds.
async fn until_closed(mut stream: TcpStream, seconds: u64) -> Option<String> {
    let mut told = Vec::new();
    let read = timeout(Duration::from_secs(seconds), stream.read_to_end(&mut told)).await;
    read.ok().map(|_| String::from_utf8_lossy(&told).into_owned())
}

/// The head of a request, and the beginning of its body.
async fn half_sent(world: &World, path: &str) -> TcpStream {
    let mut stream = from(world, "127.0.0.1").await;
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{{",
        host(&world.api)
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn body_that_never_comes_gives_its_place_back() {
    let world = World::new().await;
    let paths = ["/x/binance/api/v3/order", "/api/v1/auth/login", "/login"];
    let mut waiting = Vec::new();
    for path in paths {
        waiting.push((path, until_closed(half_sent(&world, path).await, 15)));
    }
    let told = waiting.into_iter().map(|(path, closed)| async move { (path, closed.await) });
    for (path, told) in futures_util::future::join_all(told).await {
        let told = told.unwrap_or_else(|| panic!("{path} still waits"));
        assert!(told.starts_with("HTTP/1.1 4"), "{path}: {told}");
    }
}

#[tokio::test]
async fn one_network_cannot_take_all_connections() {
    let world = World::with(|config| config.max_connections = 160).await;
    let mut held = Vec::new();
    for _ in 0..20 {
        held.push(from(&world, "127.0.0.7").await);
    }
    let more = from(&world, "127.0.0.7").await;
    assert_eq!(until_closed(more, 5).await.as_deref(), Some(""), "an eighth is all it may have");
    let ask = format!("GET /livez HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", host(&world.api));
    let mut other = from(&world, "127.0.0.8").await;
    other.write_all(ask.as_bytes()).await.unwrap();
    assert!(until_closed(other, 5).await.unwrap().starts_with("HTTP/1.1 200"));
    // what it gives back it may have again
    drop(held);
    for _ in 0..100 {
        let mut again = from(&world, "127.0.0.7").await;
        let _ = again.write_all(ask.as_bytes()).await;
        if until_closed(again, 5).await.is_some_and(|told| told.starts_with("HTTP/1.1 200")) {
            return;
        }
    }
    panic!("no place was given back");
}

#[tokio::test]
async fn trusted_proxy_may_have_all_connections() {
    let trusted = |config: &mut keygate::config::Config| {
        config.max_connections = 40;
        config.trusted_proxies = vec!["127.0.0.7".parse().unwrap()];
    };
    let world = World::with(trusted).await;
    let mut held = Vec::new();
    for _ in 0..20 {
        held.push(from(&world, "127.0.0.7").await);
    }
    let mut last = held.pop().unwrap();
    let ask = format!("GET /livez HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", host(&world.api));
    last.write_all(ask.as_bytes()).await.unwrap();
    assert!(until_closed(last, 5).await.unwrap().starts_with("HTTP/1.1 200"));
}
