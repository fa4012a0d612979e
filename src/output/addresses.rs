//! Endpoints as text: what a table of a million rows is made of, so that it is written without detours.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The longest text of an IPv4 endpoint: `255.255.255.255:65535`.
pub const IPV4_ENDPOINT: usize = 21;

/// Each octet's digits and a point behind them.
static OCTETS: [[u8; 4]; 256] = octets();

#[expect(clippy::indexing_slicing, reason = "the loops stay within the table")]
const fn octets() -> [[u8; 4]; 256] {
    let mut table = [[b' '; 4]; 256];
    let mut octet = 0;
    while octet < 256 {
        let digits = [octet / 100, octet / 10 % 10, octet % 10];
        let (mut digit, mut length) = (
            if octet >= 100 {
                0
            } else if octet >= 10 {
                1
            } else {
                2
            },
            0,
        );
        while digit < 3 {
            table[octet][length] = b'0' + digits[digit] as u8;
            digit += 1;
            length += 1;
        }
        table[octet][length] = b'.';
        octet += 1;
    }
    table
}

/// Appends `192.0.2.7:443`, filled up with blanks, of which two stand behind the longest text. It is put together where it stays: to
/// copy it, the processor would have to wait for its single bytes.
#[expect(clippy::indexing_slicing, reason = "the text holds the longest endpoint")]
pub fn write_ipv4_endpoint(out: &mut Vec<u8>, address: Ipv4Addr, port: u16) {
    const TEXT: usize = IPV4_ENDPOINT + 2;
    out.extend_from_slice(&[b' '; TEXT]);
    let Some(text) = out.last_chunk_mut::<TEXT>() else { return };
    let mut end = 0;
    for octet in address.octets() {
        text[end..end + 4].copy_from_slice(&OCTETS[usize::from(octet)]);
        end += match octet {
            0..10 => 2,
            10..100 => 3,
            100.. => 4,
        };
    }
    text[end - 1] = b':';
    let digits = [port / 10_000, port / 1000 % 10, port / 100 % 10, port / 10 % 10, port % 10];
    let leading = match port {
        0..10 => 4,
        10..100 => 3,
        100..1000 => 2,
        1000..10_000 => 1,
        10_000.. => 0,
    };
    for digit in &digits[leading..] {
        text[end] = b'0' + *digit as u8;
        end += 1;
    }
}

/// An IPv6 address as RFC 5952 wants it: lower case, no leading zeros, the longest run of zeros left out.
#[expect(clippy::indexing_slicing, reason = "the run is one of the eight segments")]
pub fn write_ipv6(out: &mut Vec<u8>, address: Ipv6Addr) {
    let segments = address.segments();
    let (mut longest, mut run) = (0..0, 0..0);
    for (index, &segment) in segments.iter().enumerate() {
        run = if segment == 0 && run.end == index { run.start..index + 1 } else { index + 1..index + 1 };
        if run.len() > longest.len().max(1) {
            longest = run.clone();
        }
    }
    if longest.is_empty() {
        return write_segments(out, &segments);
    }
    write_segments(out, &segments[..longest.start]);
    out.extend_from_slice(b"::");
    write_segments(out, &segments[longest.end..]);
}

#[expect(clippy::indexing_slicing, reason = "a digit has four bits, and at most three lead")]
fn write_segments(out: &mut Vec<u8>, segments: &[u16]) {
    for (index, &segment) in segments.iter().enumerate() {
        if index > 0 {
            out.push(b':');
        }
        let digits = [segment >> 12, segment >> 8 & 15, segment >> 4 & 15, segment & 15];
        let leading = (segment.leading_zeros() as usize / 4).min(3);
        out.extend(digits[leading..].iter().map(|&digit| b"0123456789abcdef"[usize::from(digit)]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ipv4_endpoint(address: Ipv4Addr, port: u16) -> Vec<u8> {
        let mut out = b"before".to_vec();
        write_ipv4_endpoint(&mut out, address, port);
        out.split_off(6)
    }

    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ipv4_endpoints_are_what_the_library_writes(address in any::<Ipv4Addr>(), port in any::<u16>()) {
            let text = ipv4_endpoint(address, port);
            prop_assert_eq!(std::str::from_utf8(&text).unwrap(), format!("{:23}", format!("{address}:{port}")));
        }

        #[test]
        fn ipv6_addresses_are_what_the_library_writes(
            segments in prop::array::uniform8(prop_oneof![3 => Just(0u16), 1 => 0u16..16, 1 => any::<u16>()])
        ) {
            let address = Ipv6Addr::from(segments);
            prop_assume!(address.to_ipv4_mapped().is_none());
            let mut text = Vec::new();
            write_ipv6(&mut text, address);
            prop_assert_eq!(String::from_utf8(text).unwrap(), address.to_string());
        }
    }

    #[test]
    fn every_octet_and_every_port_has_its_digits() {
        for octet in 0..=255 {
            let text = ipv4_endpoint(Ipv4Addr::new(octet, 0, 255, octet), 80);
            assert_eq!(std::str::from_utf8(&text).unwrap().trim_end(), format!("{octet}.0.255.{octet}:80"));
        }
        for port in 0..=u16::MAX {
            let text = ipv4_endpoint(Ipv4Addr::LOCALHOST, port);
            assert_eq!(std::str::from_utf8(&text).unwrap().trim_end(), format!("127.0.0.1:{port}"));
        }
    }
}
