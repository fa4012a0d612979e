//! The kernel's side of a program, for tests: the check that it must pass, and what it does with a socket.

use crate::model::socket::Family;
use std::net::{IpAddr, Ipv6Addr};

/// What the kernel knows of a socket when it runs a program: addresses as they are, not as rows show them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) family: Family,
    pub(super) local: (IpAddr, u16),
    pub(super) remote: (IpAddr, u16),
}

#[derive(Clone, Copy)]
struct Op {
    code: u8,
    yes: usize,
    no: usize,
}

fn op(program: &[u8], at: usize) -> Op {
    Op {
        code: program[at],
        yes: usize::from(program[at + 1]),
        no: usize::from(u16::from_ne_bytes([program[at + 2], program[at + 3]])),
    }
}

/// Whether the kernel would take the program.
pub(super) fn accepts(program: &[u8]) -> bool {
    let mut starts = Vec::new();
    let mut at = 0;
    while at < program.len() {
        if at + 4 > program.len() {
            return false;
        }
        let Op { code, yes, .. } = op(program, at);
        let least = match code {
            1 => 4,
            2..=5 => 8,
            7 | 8 => match (program.get(at + 4), program.get(at + 5)) {
                (Some(2), Some(0..=32)) => 16,
                (Some(10), Some(0..=128)) => 28,
                _ => return false,
            },
            _ => return false,
        };
        if yes < least || !yes.is_multiple_of(4) || at + yes > program.len() {
            return false;
        }
        starts.push(at);
        at += yes;
    }
    starts.iter().all(|&at| {
        let target = at + op(program, at).no;
        target.is_multiple_of(4)
            && target > at
            && (starts.contains(&target) || target == program.len() || target == program.len() + 4)
    })
}

/// Whether the program lets the socket pass.
pub(super) fn passes(program: &[u8], entry: &Entry) -> bool {
    let mut at = 0;
    while at < program.len() {
        let Op { code, yes, no } = op(program, at);
        let operand = &program[at + 4..];
        let port = || u16::from_ne_bytes([operand[2], operand[3]]);
        let answer = match code {
            1 => false,
            2 => entry.local.1 >= port(),
            3 => entry.local.1 <= port(),
            4 => entry.remote.1 >= port(),
            5 => entry.remote.1 <= port(),
            7 => is_within(operand, entry.family, entry.local.0),
            8 => is_within(operand, entry.family, entry.remote.0),
            _ => panic!("no instruction {code}"),
        };
        at += if answer { yes } else { no };
    }
    at == program.len()
}

fn is_within(condition: &[u8], family: Family, address: IpAddr) -> bool {
    assert_eq!(condition[4..8], [0xff; 4], "a port in a host condition");
    let (wanted, length) = (condition[0], condition[1]);
    let bytes = match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    let mapped_start = Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0).octets();
    match (wanted, family) {
        (2, Family::V4) => starts_alike(&bytes, &condition[8..12], length),
        (10, Family::V6) => starts_alike(&bytes, &condition[8..24], length),
        (2, Family::V6) => bytes[..12] == mapped_start[..12] && starts_alike(&bytes[12..], &condition[8..12], length),
        _ => false,
    }
}

/// Whether the first `length` bits are the same.
fn starts_alike(a: &[u8], b: &[u8], length: u8) -> bool {
    (0..usize::from(length)).all(|bit| (a[bit / 8] ^ b[bit / 8]) & (0x80 >> (bit % 8)) == 0)
}
