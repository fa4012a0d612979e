//! Names of addresses, by the system's own resolver: in parallel, each address once, within a time limit.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

/// So many look-ups wait for their answers at the same time.
const LOOKUPS_AT_ONCE: usize = 64;

/// A resolver's stack need not be larger; the default of several megabytes is reserved for nothing.
const STACK: usize = 256 * 1024;

/// So many names are kept that the present display does not need; a display that runs for weeks shall not grow.
const SPARE: usize = 4096;

/// What is known of addresses so far. It is kept between two displays, so that no address is looked up twice.
#[derive(Debug, Default)]
pub struct HostNames {
    names: HashMap<IpAddr, Option<String>>,
}

impl HostNames {
    /// Looks up the addresses that are not known yet and waits for their names, at most for `limit`. An address whose
    /// name did not come in time has none now; it is asked for again the next time.
    pub fn look_up(&mut self, addresses: impl IntoIterator<Item = IpAddr>, limit: Duration) {
        // The root of all names is nobody's own.
        self.look_up_with(addresses, limit, |address| dns_lookup::lookup_addr(&address).ok().filter(|name| name != "."));
    }

    fn look_up_with(
        &mut self,
        addresses: impl IntoIterator<Item = IpAddr>,
        limit: Duration,
        resolve: impl Fn(IpAddr) -> Option<String> + Clone + Send + 'static,
    ) {
        let mut unknown: HashSet<IpAddr> = addresses.into_iter().collect();
        if self.names.len() > unknown.len() + SPARE {
            self.names.retain(|address, _| unknown.contains(address));
        }
        unknown.retain(|address| !self.names.contains_key(address));
        if unknown.is_empty() || limit.is_zero() {
            return;
        }
        let deadline = Instant::now() + limit;
        let mut missing = unknown.len();
        let threads = missing.min(LOOKUPS_AT_ONCE);
        let queue = Arc::new(Mutex::new(VecDeque::from_iter(unknown)));
        let (sender, answers) = mpsc::channel();
        for _ in 0..threads {
            let (queue, sender, resolve) = (Arc::clone(&queue), sender.clone(), resolve.clone());
            // These threads are not waited for: the resolver cannot be told to stop.
            let thread = std::thread::Builder::new().stack_size(STACK).spawn(move || {
                while let Some(address) = { queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front() } {
                    if sender.send((address, resolve(address))).is_err() {
                        return;
                    }
                }
            });
            if thread.is_err() {
                break; // the threads that could be had share the work
            }
        }
        drop(sender);
        while missing > 0
            && let Ok((address, name)) = answers.recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {
            self.names.insert(address, name);
            missing -= 1;
        }
        queue.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The name of an address, where it has one and it came in time.
    pub fn name(&self, address: IpAddr) -> Option<&str> {
        self.names.get(&address)?.as_deref()
    }
}

/// The name of this host, where the system tells it.
pub fn own_name() -> Option<String> {
    sysinfo::System::host_name().ok()
}

/// The first label of a name.
pub fn first_label(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const LONG: Duration = Duration::from_secs(60);

    fn addresses(count: u8) -> impl Iterator<Item = IpAddr> {
        (0..count).map(|last| IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn each_address_is_asked_for_once_also_over_two_displays() {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let resolve = move |address: IpAddr| {
            count.fetch_add(1, Ordering::SeqCst);
            Some(format!("host-{address}.example"))
        };
        let mut names = HostNames::default();
        names.look_up_with(addresses(5).chain(addresses(5)), LONG, resolve.clone());
        names.look_up_with(addresses(5), LONG, resolve);
        assert_eq!(asked.load(Ordering::SeqCst), 5);
        assert_eq!(names.name([192, 0, 2, 3].into()), Some("host-192.0.2.3.example"));
    }

    #[test]
    fn names_that_nobody_needs_any_more_do_not_pile_up() {
        let mut names = HostNames::default();
        for block in 0..100u8 {
            let addresses = (0..=255u8).map(|last| IpAddr::from([10, 0, block, last]));
            names.look_up_with(addresses, LONG, |address| Some(address.to_string()));
            assert!(names.names.len() <= SPARE + 2 * 256);
        }
        assert_eq!(names.name([10, 0, 99, 7].into()), Some("10.0.99.7"));
    }

    #[test]
    fn look_ups_run_at_the_same_time() {
        // Each waits for all the others: one after another they would never end.
        let together = Arc::new(std::sync::Barrier::new(20));
        let mut names = HostNames::default();
        names.look_up_with(addresses(20), LONG, move |address| {
            together.wait();
            Some(address.to_string())
        });
        assert!(addresses(20).all(|address| names.name(address).is_some()));
    }

    #[test]
    fn a_resolver_that_never_answers_costs_the_limit_and_no_more() {
        let (_keep, never) = mpsc::channel::<()>();
        let never = Arc::new(Mutex::new(never));
        let mut names = HostNames::default();
        names.look_up_with(addresses(2), Duration::from_millis(1), move |_| {
            let _ = never.lock().unwrap().recv();
            None
        });
        assert_eq!(names.name([192, 0, 2, 0].into()), None);
    }

    #[test]
    fn a_first_label_ends_at_the_dot() {
        assert_eq!(first_label("www.example.org"), "www");
        assert_eq!(first_label("localhost"), "localhost");
    }
}
