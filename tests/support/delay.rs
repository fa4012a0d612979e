//! A link with a delay: a TUN device whose other end swaps the addresses of each packet and returns it later. It needs no netem.
#![allow(unsafe_code, reason = "a TUN device is made by an ioctl that has no safe wrapper")]

use super::namespace::{assert_entered, ip};
use super::skip::skipped;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The own address on the link, where servers listen.
pub const OWN: &str = "10.99.0.1";
/// The address behind the link. Connections to it arrive at [`OWN`].
pub const BEHIND: &str = "10.99.0.2";

/// A link that exists until this is dropped.
pub struct DelayedLink {
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl DelayedLink {
    /// Makes the link in the calling thread's namespace, with this delay in each direction; `None`, reported as skipped, if the
    /// kernel has no TUN devices.
    pub fn new(delay: Duration) -> Option<Self> {
        assert_entered();
        let device = match File::options().read(true).write(true).open("/dev/net/tun") {
            Ok(device) => device,
            Err(error) => return skipped(&format!("/dev/net/tun cannot be opened: {error}")),
        };
        let mut request = [0u8; 40];
        request[..6].copy_from_slice(b"delay0");
        request[16..18].copy_from_slice(&((libc::IFF_TUN | libc::IFF_NO_PI) as u16).to_ne_bytes());
        // SAFETY: the request has the size of `struct ifreq` and outlives the call.
        let made = unsafe { libc::ioctl(device.as_raw_fd(), libc::TUNSETIFF as _, request.as_mut_ptr()) };
        assert_eq!(made, 0, "TUNSETIFF: {}", std::io::Error::last_os_error());
        // SAFETY: the descriptor is open; these calls take no pointers.
        unsafe { libc::fcntl(device.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) };
        ip(&format!("address add {OWN}/24 dev delay0"));
        ip("link set delay0 up");
        let ends = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn({
            let ends = Arc::clone(&ends);
            move || reflect(device, delay, &ends)
        });
        Some(Self { ends, thread: Some(thread) })
    }
}

impl Drop for DelayedLink {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        self.thread.take().into_iter().for_each(|thread| thread.join().unwrap());
    }
}

/// Returns each packet of IPv4 after a delay, with its addresses swapped, which leaves all checksums as they are.
fn reflect(mut device: File, delay: Duration, ends: &AtomicBool) {
    let mut queue: VecDeque<(Instant, Vec<u8>)> = VecDeque::new();
    let mut buffer = [0; 2048];
    while !ends.load(Ordering::Relaxed) {
        match device.read(&mut buffer) {
            Ok(length) => {
                let mut packet = buffer[..length].to_vec();
                if packet.len() >= 20 && packet[0] >> 4 == 4 {
                    let (source, destination) = packet[12..20].split_at_mut(4);
                    source.swap_with_slice(destination);
                    queue.push_back((Instant::now() + delay, packet));
                }
                continue;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => panic!("the TUN device cannot be read: {error}"),
        }
        while queue.front().is_some_and(|(due, _)| *due <= Instant::now()) {
            let (_, packet) = queue.pop_front().unwrap();
            device.write_all(&packet).unwrap();
        }
        std::thread::sleep(Duration::from_micros(500));
    }
}
