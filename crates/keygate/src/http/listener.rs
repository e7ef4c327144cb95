//! Accepts connections and serves HTTP/1.1 on them, with a limit on head size and on the time a head may
//! take, on the time an answer may wait to be read, and on how many connections one address has. Stops accepting when
//! told, lets running requests finish for a while, then ends.

use std::{net::SocketAddr, time::Duration};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};

use super::{Site, slots::Slots, steady::Steady};
use crate::{auth::Peer, error::Fatal};

/// Sockets that are bound and not yet served: binding fails early and with a clear message.
pub struct Listener {
    sockets: Vec<TcpListener>,
}

impl Listener {
    pub async fn bind(addresses: &[SocketAddr]) -> Result<Self, Fatal> {
        let mut sockets = Vec::new();
        for address in addresses {
            match TcpListener::bind(address).await {
                Ok(socket) => sockets.push(socket),
                // A machine without IPv6 still has IPv4 loopback.
                Err(error) if address.is_ipv6() && error.kind() == std::io::ErrorKind::AddrNotAvailable => {}
                Err(error) => return Err(taken(*address, &error)),
            }
        }
        match sockets.is_empty() {
            true => Err(Fatal::new("there is no address to listen on", "set listen = [\"127.0.0.1:8480\"]")),
            false => Ok(Listener { sockets }),
        }
    }

    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.sockets.iter().filter_map(|socket| socket.local_addr().ok()).collect()
    }
}

/// Serves until `stop` turns true, then waits for running requests.
pub async fn serve(listener: Listener, site: Site, stop: watch::Receiver<bool>) {
    let slots = Slots::new(site.config().max_connections);
    let tasks = listener
        .sockets
        .into_iter()
        .map(|socket| tokio::spawn(accept(socket, site.clone(), slots.clone(), stop.clone())));
    for task in tasks.collect::<Vec<_>>() {
        if let Err(error) = task.await {
            tracing::error!(%error, "a listener ended");
        }
    }
    // Every connection gives its slot back when it ends.
    if tokio::time::timeout(GRACE, slots.all_free()).await.is_err() {
        tracing::warn!("some requests were still running at the end of the grace period");
    }
}

async fn accept(socket: TcpListener, site: Site, slots: Slots, mut stop: watch::Receiver<bool>) {
    let mut was_crowded = false;
    loop {
        let Some(room) = slots.room().await else { break };
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            () = told(&mut stop) => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let is_proxy = site.config().trusts(peer.ip().to_canonical());
                let Some(slot) = slots.take(room, peer.ip(), is_proxy) else {
                    // once is enough: whoever wants to fill the log would only have to go on
                    if !std::mem::replace(&mut was_crowded, true) {
                        tracing::warn!(%peer, "one address has an eighth of max_connections and gets no more; \
                            if it is a proxy, name it in trusted_proxies");
                    }
                    continue;
                };
                let (site, stop) = (site.clone(), stop.clone());
                tokio::spawn(async move {
                    serve_connection(stream, peer, site, stop).await;
                    drop(slot);
                });
            }
            // Out of file descriptors: wait instead of spinning.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn told(stop: &mut watch::Receiver<bool>) {
    // The sender is gone: that is an order to stop as well.
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn serve_connection(stream: TcpStream, peer: SocketAddr, site: Site, mut stop: watch::Receiver<bool>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    let stream = Steady::new(stream, STALLED);
    let watched = stream.watched();
    let site = &site;
    let service = service_fn(|request| site.answer(Peer(peer), request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = told(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    // if it lives on, then as a stream
    watched.end();
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
}

fn taken(address: SocketAddr, error: &std::io::Error) -> Fatal {
    match error.kind() {
        std::io::ErrorKind::AddrInUse => Fatal::new(
            format!("port {} on {} is taken by another program", address.port(), address.ip()),
            format!(
                "stop it (`ss -ltnp 'sport = :{}'` names it) or choose another port with --listen",
                address.port()
            ),
        ),
        _ => {
            Fatal::new(format!("cannot listen on {address}: {error}"), "choose another address with --listen")
        }
    }
}

const MAX_HEAD: usize = 16 * 1024;
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// So long an answer waits without a byte of it taken.
const STALLED: Duration = Duration::from_secs(30);
const GRACE: Duration = Duration::from_secs(20);
