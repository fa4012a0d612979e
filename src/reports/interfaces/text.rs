//! What the interfaces have carried (`-e`), byte for byte as Windows' netstat prints it.

use crate::model::interface::InterfaceTotals;
use std::io::{self, Write};

/// The words of this view.
#[derive(Debug)]
pub struct Words {
    /// The title.
    pub title: &'static str,
    /// What stands above the two columns.
    pub heading: &'static str,
    /// The labels of the rows.
    pub labels: [&'static str; 6],
}

/// The words as Windows has them in English.
pub const ENGLISH: Words = Words {
    title: "Interface Statistics",
    heading: "                           Received            Sent",
    labels: ["Bytes", "Unicast packets", "Non-unicast packets", "Discards", "Errors", "Unknown protocols"],
};

/// The words in Korean. The labels of the rows are the same in every language.
pub const KOREAN: Words =
    Words {
        title: "인터페이스 통계", heading: "                               받음            보냄", labels: ENGLISH.labels
    };

/// Writes the title and the heading, if they are wanted, and the six rows.
pub fn write(out: &mut impl Write, totals: &InterfaceTotals, words: &Words, no_header: bool) -> io::Result<()> {
    let InterfaceTotals { received, sent, unknown_protocols, .. } = totals;
    let values = [
        (received.bytes, Some(sent.bytes)),
        (received.unicast_packets, Some(sent.unicast_packets)),
        (received.non_unicast_packets, Some(sent.non_unicast_packets)),
        (received.discards, Some(sent.discards)),
        (received.errors, Some(sent.errors)),
        (*unknown_protocols, None),
    ];
    if !no_header {
        writeln!(out, "{}\n\n{}\n", words.title, words.heading)?;
    }
    for (label, (received, sent)) in words.labels.iter().zip(values) {
        match sent {
            Some(sent) => writeln!(out, "{label:<20} {received:>14} {sent:>15}")?,
            None => writeln!(out, "{label:<20} {received:>14}")?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::interface::Traffic;

    #[test]
    fn the_whole_view() {
        let totals = InterfaceTotals {
            received: Traffic { bytes: 123_456_789, unicast_packets: 123_456, non_unicast_packets: 1234, discards: 5, errors: 6 },
            sent: Traffic { bytes: u64::MAX, unicast_packets: 98765, non_unicast_packets: 567, discards: 7, errors: 8 },
            unknown_protocols: 9,
            unavailable: Vec::new(),
        };
        let mut out = Vec::new();
        write(&mut out, &totals, &ENGLISH, false).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "Interface Statistics\n\n\
             \x20                          Received            Sent\n\n\
             Bytes                     123456789 18446744073709551615\n\
             Unicast packets              123456           98765\n\
             Non-unicast packets            1234             567\n\
             Discards                          5               7\n\
             Errors                            6               8\n\
             Unknown protocols                 9\n"
        );
    }
}
