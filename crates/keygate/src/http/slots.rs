//! The places of connections: how many there may be, and how many from one address.

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::networks::{Networks, OfNetwork};

#[derive(Clone)]
pub struct Slots {
    free: Arc<Semaphore>,
    most: u32,
    networks: Networks,
}

/// The place of a connection. Dropping it gives it back.
pub struct Slot {
    _of_network: Option<OfNetwork>,
    _permit: OwnedSemaphorePermit,
}

impl Slots {
    pub fn new(most: u32) -> Self {
        let most = most.clamp(1, MOST);
        Slots { free: Arc::new(Semaphore::new(most as usize)), most, networks: Networks::default() }
    }

    /// Waits until there is room for anybody.
    pub async fn room(&self) -> Option<OwnedSemaphorePermit> {
        self.free.clone().acquire_owned().await.ok()
    }

    /// A place for whoever came; nobody has more than an eighth of all. Through a proxy of ours everybody comes from one
    /// address.
    pub fn take(&self, permit: OwnedSemaphorePermit, peer: IpAddr, is_proxy: bool) -> Option<Slot> {
        let of_network = match is_proxy {
            true => None,
            false => Some(self.networks.enter(network(peer), self.most.div_ceil(8))?),
        };
        Some(Slot { _of_network: of_network, _permit: permit })
    }

    /// Waits until every connection has ended.
    pub async fn all_free(&self) {
        // it is never closed
        let _ = self.free.acquire_many(self.most).await;
    }
}

/// One address; in IPv6 the /64 that everybody has for themselves.
fn network(peer: IpAddr) -> Vec<u8> {
    match peer.to_canonical() {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => half(ip).to_vec(),
    }
}

fn half(ip: Ipv6Addr) -> [u8; 8] {
    ip.to_bits().to_be_bytes().first_chunk().copied().unwrap_or_default()
}

/// More than a machine has sockets.
const MOST: u32 = 1 << 20;
