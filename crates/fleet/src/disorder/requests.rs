//! Deliveries packed as a collector in front of many clients packs them.

use std::collections::BTreeSet;
use std::iter::Peekable;

use contract::Signal;

use super::Delivery;

/// One export request of a collector.
pub struct Request {
    /// When it arrives, milliseconds since the Unix epoch; hardly ever before the one before it.
    pub at_ms: u64,
    /// What it carries.
    pub signal: Signal,
    /// How many log records or data points there are.
    pub items: usize,
    /// The body as OTLP protobuf.
    pub protobuf: Vec<u8>,
}

/// A request that was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passed {
    /// When it would have arrived, milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// What it would have carried.
    pub signal: Signal,
    /// How many log records or data points.
    pub items: usize,
}

/// Packs deliveries into requests of about `size` items of one signal. A pack goes when it is full,
/// or when its first delivery has waited for `wait_ms`. No request holds two arrivals of one export:
/// identical items of one request are that many items.
pub struct Requests<I: Iterator<Item = Delivery>> {
    deliveries: Peekable<I>,
    size: usize,
    wait_ms: u64,
    alone_from_ms: u64,
    /// None of them is empty; the oldest is first.
    packs: Vec<Pack>,
}

struct Pack {
    signal: Signal,
    first_ms: u64,
    last_ms: u64,
    deliveries: Vec<Delivery>,
    numbers: BTreeSet<u64>,
    items: usize,
}

impl<I: Iterator<Item = Delivery>> Requests<I> {
    /// Packs `deliveries`, which are in time order.
    pub fn new(deliveries: I, size: usize, wait_ms: u64) -> Requests<I> {
        Requests {
            deliveries: deliveries.peekable(),
            size,
            wait_ms,
            alone_from_ms: u64::MAX,
            packs: Vec::new(),
        }
    }

    /// Deliveries from that time on (milliseconds since the Unix epoch) go in requests of their own.
    #[must_use]
    pub fn alone_from(mut self, from_ms: u64) -> Requests<I> {
        self.alone_from_ms = from_ms;
        self
    }

    /// The pack that has to go before the next delivery is taken in.
    fn ready(&self, next_ms: Option<u64>) -> Option<usize> {
        let has_to_go = |pack: &Pack| {
            let has_waited = |next_ms| next_ms > pack.first_ms + self.wait_ms;
            pack.items >= self.size
                || pack.last_ms >= self.alone_from_ms
                || next_ms.is_none_or(has_waited)
        };
        self.packs.iter().position(has_to_go)
    }

    /// Leaves the next request out, without the work of writing it down: when it would have arrived
    /// and how many log records and data points it would have held; nothing at the end.
    pub fn pass_over(&mut self) -> Option<Passed> {
        let pack = self.next_pack()?;
        Some(Passed {
            at_ms: pack.last_ms,
            signal: pack.signal,
            items: pack.items,
        })
    }

    fn next_pack(&mut self) -> Option<Pack> {
        loop {
            let next_ms = self.deliveries.peek().map(|next| next.at_ms);
            if let Some(place) = self.ready(next_ms) {
                return Some(self.packs.remove(place));
            }
            let delivery = self.deliveries.next()?;
            self.take_in(delivery);
        }
    }

    fn take_in(&mut self, delivery: Delivery) {
        let suits = |pack: &&mut Pack| {
            pack.signal == delivery.signal() && !pack.numbers.contains(&delivery.number)
        };
        match self.packs.iter_mut().find(suits) {
            Some(pack) => pack.add(delivery),
            None => {
                let mut pack = Pack {
                    signal: delivery.signal(),
                    first_ms: delivery.at_ms,
                    last_ms: delivery.at_ms,
                    deliveries: Vec::new(),
                    numbers: BTreeSet::new(),
                    items: 0,
                };
                pack.add(delivery);
                self.packs.push(pack);
            }
        }
    }
}

impl Pack {
    fn add(&mut self, delivery: Delivery) {
        self.items += delivery.items();
        self.last_ms = delivery.at_ms;
        self.numbers.insert(delivery.number);
        self.deliveries.push(delivery);
    }

    fn request(self) -> Request {
        let all = self.deliveries.iter();
        let protobuf = match self.signal {
            Signal::Metrics => {
                let groups: Vec<_> = all.flat_map(Delivery::metric_groups).collect();
                otlp::encode::metrics(&groups)
            }
            _ => {
                let groups: Vec<_> = all.flat_map(Delivery::log_groups).collect();
                otlp::encode::logs(&groups)
            }
        };
        Request {
            at_ms: self.last_ms,
            signal: self.signal,
            items: self.items,
            protobuf,
        }
    }
}

impl<I: Iterator<Item = Delivery>> Iterator for Requests<I> {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        self.next_pack().map(Pack::request)
    }
}
