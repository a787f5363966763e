//! Who gets a slot for a connection.
//!
//! One address gets only so many, so that nobody shuts everybody out by connecting. When all slots are taken, or an
//! address has all of its own, a few are left for asking how the server is: a load balancer that cannot ask takes a
//! busy server for a dead one.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Limits;

/// Slots are scarce when fewer than one in so many is free.
const SCARCE: usize = 10;
/// An address gets one in so many of the slots that are reserved for health.
const SHARE_OF_RESERVED: usize = 4;

/// Why a connection may only ask for health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// All slots are taken.
    Slots,
    /// The address has all that one may have.
    OfAddress,
}

pub struct ConnectionSlots {
    total: usize,
    an_address: usize,
    ordinary: Arc<Semaphore>,
    reserved: Arc<Semaphore>,
    reserved_an_address: usize,
    limits: Arc<Limits>,
    held: Mutex<HashMap<IpAddr, Held>>,
}

/// How many slots an address has.
#[derive(Clone, Copy, Default)]
struct Held {
    ordinary: usize,
    reserved: usize,
}

/// A slot, until it is dropped.
pub struct ConnectionSlot {
    lack: Option<Lack>,
    address: IpAddr,
    slots: Arc<ConnectionSlots>,
    _permit: OwnedSemaphorePermit,
}

impl ConnectionSlots {
    /// `total` for everything, and as many beside them for health as the limits say.
    pub fn new(total: usize, limits: Arc<Limits>) -> Arc<Self> {
        let reserved = limits.reserved_for_health;
        Arc::new(Self {
            total,
            an_address: limits.an_address,
            ordinary: Arc::new(Semaphore::new(total)),
            reserved: Arc::new(Semaphore::new(reserved)),
            reserved_an_address: reserved.div_ceil(SHARE_OF_RESERVED),
            limits,
            held: Mutex::default(),
        })
    }

    /// Waits until there may be a slot for somebody.
    pub async fn some_free(&self) {
        tokio::select! {
            _ = self.ordinary.acquire() => {}
            _ = self.reserved.acquire() => {}
        }
    }

    /// A slot for a client at `peer`, if there is one.
    pub fn take(self: &Arc<Self>, peer: IpAddr) -> Option<ConnectionSlot> {
        let address = whose(peer);
        let is_trusted = self.limits.unlimited.trusts(peer);
        let mut all = self.held();
        let held = all.get(&address).copied().unwrap_or_default();
        let has_enough = !is_trusted && held.ordinary >= self.an_address;
        let ordinary = if has_enough { None } else { Arc::clone(&self.ordinary).try_acquire_owned().ok() };
        let (permit, lack) = match ordinary {
            Some(permit) => (permit, None),
            None if !is_trusted && held.reserved >= self.reserved_an_address => return None,
            None => {
                let lack = if has_enough { Lack::OfAddress } else { Lack::Slots };
                (Arc::clone(&self.reserved).try_acquire_owned().ok()?, Some(lack))
            }
        };
        *all.entry(address).or_default().of(lack) += 1;
        Some(ConnectionSlot { lack, address, slots: Arc::clone(self), _permit: permit })
    }

    fn are_scarce(&self) -> bool {
        self.ordinary.available_permits() * SCARCE < self.total
    }

    fn held(&self) -> MutexGuard<'_, HashMap<IpAddr, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn of(&mut self, lack: Option<Lack>) -> &mut usize {
        if lack.is_none() { &mut self.ordinary } else { &mut self.reserved }
    }
}

impl ConnectionSlot {
    /// Whether connections that rest should make room.
    pub fn are_scarce(&self) -> bool {
        self.slots.are_scarce()
    }

    /// Why the connection may only ask for health, where it may.
    pub fn lack(&self) -> Option<Lack> {
        self.lack
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        let mut all = self.slots.held();
        if let Some(held) = all.get_mut(&self.address) {
            *held.of(self.lack) -= 1;
            if held.ordinary == 0 && held.reserved == 0 {
                all.remove(&self.address);
            }
        }
    }
}

/// What counts as one address: an IPv4 address, or the /64 of an IPv6 address, which one customer commonly has to
/// himself.
fn whose(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::proxies::TrustedProxies;

    fn slots(total: usize, an_address: usize, reserved_for_health: usize) -> Arc<ConnectionSlots> {
        let unlimited = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
        ConnectionSlots::new(
            total,
            Arc::new(Limits { an_address, unlimited, reserved_for_health, ..Limits::default() }),
        )
    }

    fn take(slots: &Arc<ConnectionSlots>, peer: &str) -> Option<ConnectionSlot> {
        slots.take(peer.parse().unwrap())
    }

    #[expect(clippy::option_option, reason = "no slot, a slot, and a slot that lacks something are three things")]
    fn lacks(slot: Option<&ConnectionSlot>) -> Option<Option<Lack>> {
        slot.map(ConnectionSlot::lack)
    }

    #[test]
    fn an_address_gets_its_places_and_others_theirs() {
        let slots = slots(100, 2, 8);
        let here: Vec<_> = (0..4).map(|_| take(&slots, "198.51.100.1")).collect();
        let found: Vec<_> = here.iter().map(|slot| lacks(slot.as_ref())).collect();
        assert_eq!(found, [Some(None), Some(None), Some(Some(Lack::OfAddress)), Some(Some(Lack::OfAddress))]);
        assert_eq!(lacks(take(&slots, "198.51.100.1").as_ref()), None, "nor all that is reserved for health");
        assert_eq!(lacks(take(&slots, "::ffff:198.51.100.1").as_ref()), None, "nor in another spelling");
        assert_eq!(lacks(take(&slots, "198.51.100.2").as_ref()), Some(None));
        drop(here);
        assert_eq!(lacks(take(&slots, "198.51.100.1").as_ref()), Some(None));
        assert!(slots.held().is_empty(), "nobody is remembered who has gone");
    }

    #[test]
    fn hopping_within_a_64_gains_nothing() {
        let slots = slots(100, 1, 0);
        let _first = take(&slots, "2001:db8:0:1::1");
        assert!(take(&slots, "2001:db8:0:1:ffff::2").is_none());
        assert!(take(&slots, "2001:db8:0:2::1").is_some());
    }

    #[test]
    fn proxies_that_are_trusted_may_have_all() {
        let slots = slots(3, 1, 8);
        let held: Vec<_> = (0..5).map(|_| take(&slots, "10.0.0.1")).collect();
        assert_eq!(held.iter().filter(|slot| lacks(slot.as_ref()) == Some(None)).count(), 3);
        assert_eq!(held.iter().filter(|slot| lacks(slot.as_ref()) == Some(Some(Lack::Slots))).count(), 2);
    }

    #[test]
    fn when_all_is_taken_everybody_may_still_ask_for_health() {
        let slots = slots(2, 100, 8);
        let _held: Vec<_> = (1..=2).map(|host| take(&slots, &format!("198.51.100.{host}"))).collect();
        assert!(slots.are_scarce());
        assert_eq!(lacks(take(&slots, "198.51.100.3").as_ref()), Some(Some(Lack::Slots)));
    }
}
