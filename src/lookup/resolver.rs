//! Names that the system's name service gives: of addresses, of users.
//!
//! The system's name service blocks and cannot be cancelled: it may ask servers. It runs on a bounded number of threads that serve
//! one queue for as long as the program lives; a refresh waits for its new keys within a time limit, and an answer that is late is
//! used by the next refresh.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The stack of a resolver thread: `getnameinfo` and `getpwuid_r` keep what is long on the heap, and the default of 2 MiB (8 MiB for the main
/// thread) would count against a limit of address space.
const STACK: usize = 256 * 1024;

/// How many names are kept that the present refresh does not show, so that a display that runs for weeks does not grow.
const SPARE: usize = 4096;

/// How long a name is used before it is asked for again. The resolver interface does not return the record's own time to live.
const NAME_LIFETIME: Duration = Duration::from_mins(10);

/// How long a key without a name, or whose resolution failed, is not asked for again.
const FAILURE_LIFETIME: Duration = Duration::from_mins(1);

type Resolve<K> = dyn Fn(&K) -> Option<String> + Send + Sync;

/// A resolver and a cache of its answers, kept over all refreshes.
pub struct Resolver<K> {
    answers: HashMap<K, Answer>,
    /// The keys that are queued or being resolved.
    pending: HashSet<K>,
    /// How many keys are resolved at the same time, over all refreshes.
    max_threads: usize,
    shared: Arc<Shared<K>>,
    resolve: Arc<Resolve<K>>,
}

/// What the resolver said of an address.
#[derive(Debug)]
struct Answer {
    name: Option<Box<str>>,
    expires: Instant,
}

/// What the threads share with the refreshes.
struct Shared<K> {
    state: Mutex<State<K>>,
    /// Signalled for each answer and for the end of each thread.
    answered: Condvar,
}

struct State<K> {
    queue: VecDeque<K>,
    /// Answers that no refresh has taken yet.
    answers: Vec<(K, Option<String>)>,
    threads: usize,
}

impl<K> Shared<K> {
    fn lock(&self) -> MutexGuard<'_, State<K>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash + Clone + Send + 'static> Resolver<K> {
    /// A cache in front of a resolver that is called on so many threads at most.
    pub fn new(max_threads: usize, resolve: impl Fn(&K) -> Option<String> + Send + Sync + 'static) -> Self {
        let state = State { queue: VecDeque::new(), answers: Vec::new(), threads: 0 };
        let shared = Arc::new(Shared { state: Mutex::new(state), answered: Condvar::new() });
        Self { answers: HashMap::new(), pending: HashSet::new(), max_threads, shared, resolve: Arc::new(resolve) }
    }

    /// Resolves these keys unless their names are known, and waits for those that are asked for the first time, at most
    /// for `limit`; with a limit of zero nothing is resolved. A name that has expired is used until its new answer is there.
    pub fn look_up(&mut self, keys: impl IntoIterator<Item = K>, limit: Duration) {
        self.look_up_at(Instant::now(), keys, limit);
    }

    fn look_up_at(&mut self, now: Instant, keys: impl IntoIterator<Item = K>, limit: Duration) {
        if limit.is_zero() {
            return;
        }
        let shown: HashSet<K> = keys.into_iter().collect();
        let shared = Arc::clone(&self.shared);
        let mut state = shared.lock();
        self.take(&mut state, now);
        // What is not shown any more need not be resolved.
        state.queue.retain(|key| shown.contains(key) || !self.pending.remove(key));
        let is_due = |key: &K| self.answers.get(key).is_none_or(|answer| answer.expires <= now);
        let due: Vec<K> = shown.iter().filter(|key| is_due(key) && !self.pending.contains(*key)).cloned().collect();
        // A key that has had an answer is shown as it was; one that was waited for before is not waited for again.
        let mut awaited: HashSet<K> = due.iter().filter(|key| !self.answers.contains_key(*key)).cloned().collect();
        state.queue.extend(due.iter().cloned());
        self.pending.extend(due);
        self.start_threads(&mut state);
        let deadline = now.checked_add(limit);
        loop {
            for key in self.take(&mut state, now) {
                awaited.remove(&key);
            }
            let left = deadline.map_or(Duration::MAX, |deadline| deadline.saturating_duration_since(Instant::now()));
            // Without a thread, because none could be started, no answer comes.
            if awaited.is_empty() || state.threads == 0 || left.is_zero() {
                break;
            }
            state = shared.answered.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        drop(state);
        self.forget(&shown);
    }

    /// Takes the answers that have come, and says of which keys.
    fn take(&mut self, state: &mut State<K>, now: Instant) -> Vec<K> {
        let answers = state.answers.drain(..).map(|(key, name)| {
            self.pending.remove(&key);
            let name = name.filter(|name| !name.is_empty()).map(Into::into);
            let lifetime = if name.is_some() { NAME_LIFETIME } else { FAILURE_LIFETIME };
            self.answers.insert(key.clone(), Answer { name, expires: now + lifetime });
            key
        });
        answers.collect()
    }

    /// Starts a thread for each key in the queue, up to the limit. A thread ends when the queue is empty.
    fn start_threads(&self, state: &mut State<K>) {
        // Threads that are there may all be waiting for a name server: they are not counted on for the new keys.
        let wanted = state.queue.len().min(self.max_threads.saturating_sub(state.threads));
        for _ in 0..wanted {
            let (shared, resolve) = (Arc::clone(&self.shared), Arc::clone(&self.resolve));
            let thread = std::thread::Builder::new().stack_size(STACK).spawn(move || serve(&shared, &*resolve));
            if thread.is_err() {
                break; // the threads that there are share the work
            }
            state.threads += 1;
        }
    }

    fn forget(&mut self, shown: &HashSet<K>) {
        if self.answers.len() > shown.len() + SPARE {
            self.answers.retain(|key, _| shown.contains(key));
        }
    }

    /// The name of a key, if it has one and its answer has come.
    pub fn name(&self, key: &K) -> Option<&str> {
        self.answers.get(key)?.name.as_deref()
    }

    /// Whether the answer for a key has not come yet.
    pub fn is_late(&self, key: &K) -> bool {
        self.pending.contains(key) && !self.answers.contains_key(key)
    }
}

impl<K: fmt::Debug> fmt::Debug for Resolver<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("answers", &self.answers).field("pending", &self.pending).finish_non_exhaustive()
    }
}

/// Resolves the keys in the queue until there are none.
fn serve<K>(shared: &Shared<K>, resolve: &Resolve<K>) {
    let mut state = shared.lock();
    while let Some(key) = state.queue.pop_front() {
        drop(state);
        let name = resolve(&key);
        state = shared.lock();
        state.answers.push((key, name));
        shared.answered.notify_all();
    }
    // Under the lock: what is queued later starts a thread of its own.
    state.threads -= 1;
    shared.answered.notify_all();
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::{Receiver, Sender, channel};

    const MAX_THREADS: usize = 64;
    const LONG: Duration = Duration::from_mins(1);
    const SHORT: Duration = Duration::from_millis(1);

    fn addresses(count: u8) -> impl Iterator<Item = IpAddr> + Clone {
        (0..count).map(|last| IpAddr::from([192, 0, 2, last]))
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    fn wait_for_answers(names: &Resolver<IpAddr>) {
        let state = names.shared.lock();
        drop(names.shared.answered.wait_while(state, |state| state.threads > 0).unwrap());
    }

    /// A resolver that answers when the test says so, and names each address after the number of its request.
    fn held_back() -> (Resolver<IpAddr>, Sender<()>, Receiver<IpAddr>, Arc<AtomicUsize>) {
        let (release, released) = channel::<()>();
        let (sender, started) = channel();
        let requests = Arc::new(AtomicUsize::new(0));
        let (released, sender, count) = (Mutex::new(released), Mutex::new(sender), Arc::clone(&requests));
        let names = Resolver::new(MAX_THREADS, move |&address: &IpAddr| {
            let number = count.fetch_add(1, Ordering::SeqCst) + 1;
            let _ = sender.lock().unwrap().send(address);
            released.lock().unwrap().recv().ok()?;
            Some(format!("request-{number}.example"))
        });
        (names, release, started, requests)
    }

    #[test]
    fn each_address_is_resolved_once_over_two_refreshes() {
        let requests = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&requests);
        let mut names = Resolver::new(MAX_THREADS, move |address: &IpAddr| {
            count.fetch_add(1, Ordering::SeqCst);
            Some(format!("host-{address}.example"))
        });
        names.look_up(addresses(5).chain(addresses(5)), LONG);
        names.look_up(addresses(5), LONG);
        assert_eq!(requests.load(Ordering::SeqCst), 5);
        assert_eq!(names.name(&address(3)), Some("host-192.0.2.3.example"));
    }

    #[test]
    fn a_late_answer_is_used_by_the_next_refresh_and_not_waited_for_again() {
        let (mut names, release, started, requests) = held_back();
        names.look_up([address(1)], SHORT);
        assert_eq!((names.name(&address(1)), names.is_late(&address(1))), (None, true));
        assert_eq!(started.recv_timeout(LONG).unwrap(), address(1));
        // Without an answer the second refresh would wait for a minute.
        names.look_up([address(1)], LONG);
        assert_eq!(names.name(&address(1)), None);
        release.send(()).unwrap();
        wait_for_answers(&names);
        names.look_up([address(1)], LONG);
        assert_eq!((names.name(&address(1)), names.is_late(&address(1))), (Some("request-1.example"), false));
        assert_eq!(requests.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_silent_name_server_does_not_make_threads_pile_up() {
        let (mut names, release, started, _) = held_back();
        for refresh in 0..100u8 {
            names.look_up((0..=255).map(|last| IpAddr::from([10, 0, refresh, last])), SHORT);
            assert!(names.shared.lock().threads <= MAX_THREADS);
            assert!(names.shared.lock().queue.len() <= 256 && names.pending.len() <= 256 + MAX_THREADS);
        }
        assert!(started.try_iter().count() <= MAX_THREADS);
        drop(release);
    }

    #[test]
    fn failures_expire_soon_and_names_later() {
        let requests = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&requests);
        let mut names = Resolver::new(MAX_THREADS, move |&asked: &IpAddr| {
            let number = count.fetch_add(1, Ordering::SeqCst);
            (asked == address(1) || number >= 2).then(|| "name.example".to_owned())
        });
        let start = Instant::now();
        names.look_up_at(start, addresses(3).skip(1), LONG);
        assert_eq!((names.name(&address(1)).is_some(), names.name(&address(2)).is_some()), (true, false));
        names.look_up_at(start + FAILURE_LIFETIME / 2, addresses(3).skip(1), LONG);
        assert_eq!(requests.load(Ordering::SeqCst), 2, "neither has expired");
        names.look_up_at(start + FAILURE_LIFETIME, addresses(3).skip(1), LONG);
        wait_for_answers(&names);
        names.look_up_at(start + FAILURE_LIFETIME, addresses(3).skip(1), LONG);
        assert_eq!(requests.load(Ordering::SeqCst), 3, "the failure has expired");
        assert_eq!(names.name(&address(2)), Some("name.example"));
        names.look_up_at(start + NAME_LIFETIME, addresses(2).skip(1), LONG);
        wait_for_answers(&names);
        assert_eq!(requests.load(Ordering::SeqCst), 4, "the name has expired");
    }

    #[test]
    fn an_expired_name_is_used_until_its_new_answer_comes() {
        let (mut names, release, started, _) = held_back();
        release.send(()).unwrap();
        let start = Instant::now();
        names.look_up_at(start, [address(1)], LONG);
        assert_eq!(started.recv_timeout(LONG).unwrap(), address(1));
        names.look_up_at(start + NAME_LIFETIME, [address(1)], LONG);
        assert_eq!(started.recv_timeout(LONG).unwrap(), address(1));
        assert_eq!(names.name(&address(1)), Some("request-1.example"));
    }

    #[test]
    fn names_that_are_not_shown_any_more_do_not_pile_up() {
        let mut names = Resolver::new(MAX_THREADS, |address: &IpAddr| Some(address.to_string()));
        for block in 0..100u8 {
            names.look_up((0..=255u8).map(|last| IpAddr::from([10, 0, block, last])), LONG);
            assert!(names.answers.len() <= SPARE + 256);
        }
        assert_eq!(names.name(&[10, 0, 99, 7].into()), Some("10.0.99.7"));
    }

    #[test]
    fn addresses_are_resolved_at_the_same_time() {
        // Each waits for all the others: one after another they would never end.
        let together = std::sync::Barrier::new(20);
        let mut names = Resolver::new(MAX_THREADS, move |address: &IpAddr| {
            together.wait();
            Some(address.to_string())
        });
        names.look_up(addresses(20), LONG);
        assert!(addresses(20).all(|address| names.name(&address).is_some()));
    }

    #[test]
    fn a_limit_of_zero_resolves_nothing() {
        let mut names = Resolver::new(MAX_THREADS, |_: &IpAddr| panic!("resolved"));
        names.look_up([address(1)], Duration::ZERO);
        assert_eq!((names.name(&address(1)), names.shared.lock().threads), (None, 0));
    }
}
