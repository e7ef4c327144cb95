//! A row of loopback ports: the page's, and behind it one per exchange.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::spoken::SPOKEN;

/// A row that was free and is ours now.
pub(crate) struct Row {
    /// The page's.
    pub(crate) address: SocketAddr,
    pub(crate) listeners: Vec<TcpListener>,
}

impl Row {
    /// Begins at this port; with port 0 it is the first row that is free.
    pub(crate) async fn bind(address: SocketAddr) -> io::Result<Self> {
        if address.port() != 0 {
            return Self::bind_at(address).await;
        }
        for port in starts() {
            match Self::bind_at(SocketAddr::new(address.ip(), port)).await {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                bound => return bound,
            }
        }
        Err(io::Error::new(io::ErrorKind::AddrInUse, "no row of free ports was found"))
    }

    async fn bind_at(address: SocketAddr) -> io::Result<Self> {
        let mut listeners = vec![TcpListener::bind(address).await?];
        let address = listeners[0].local_addr()?;
        for exchange in &SPOKEN {
            let port = crate::port(address.port(), exchange.id).ok_or(io::ErrorKind::AddrInUse)?;
            listeners.push(TcpListener::bind((address.ip(), port)).await?);
        }
        Ok(Self { address, listeners })
    }
}

/// The first ports of all rows. They lie below those that a system gives to clients: of these a crowd of closed
/// connections keeps so many for a minute that no row is free. Each process begins somewhere else.
fn starts() -> impl Iterator<Item = u16> {
    let rows: Vec<u16> = (20_000..32_000).step_by(SPOKEN.len() + 1).collect();
    let start = usize::try_from(std::process::id()).map_or(0, |id| id % rows.len());
    let count = rows.len();
    rows.into_iter().cycle().skip(start).take(count)
}
