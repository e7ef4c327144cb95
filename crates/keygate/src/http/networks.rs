//! How many of something each network has: of what is scarce nobody gets it all.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// By the bytes that name a network.
#[derive(Clone, Default)]
pub struct Networks(Arc<Mutex<HashMap<Vec<u8>, u32>>>);

/// One that a network has. Dropping it gives it back.
pub struct OfNetwork {
    networks: Networks,
    network: Vec<u8>,
}

impl Networks {
    /// One more for a network, unless it has so many.
    pub fn enter(&self, network: Vec<u8>, most: u32) -> Option<OfNetwork> {
        let mut all = self.lock();
        let own = all.entry(network.clone()).or_default();
        if *own >= most {
            return None;
        }
        *own += 1;
        drop(all);
        Some(OfNetwork { networks: self.clone(), network })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Vec<u8>, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OfNetwork {
    fn drop(&mut self) {
        let mut all = self.networks.lock();
        if let Some(own) = all.get_mut(&self.network) {
            *own -= 1;
            if *own == 0 {
                all.remove(&self.network);
            }
        }
    }
}
