//! The internals of TCP connections, as the kernel counts and measures them.
//!
//! They are read only if a field of them is asked for, and only the fields that are asked for are kept: a table of numbers
//! beside the rows.

/// Declares the fields, and the list of all of them.
macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// A number that the kernel keeps for a socket.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum TcpField {
            $($(#[$doc])* $name,)*
        }

        impl TcpField {
            /// Every field.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
        }
    };
}

fields! {
    /// The smoothed round-trip time, in microseconds.
    Rtt,
    /// Its mean deviation, in microseconds.
    RttVariation,
    /// The shortest round-trip time of the last minutes, in microseconds.
    MinRtt,
    /// The time until an unacknowledged segment is sent again, in microseconds.
    Rto,
    /// The congestion window, in segments.
    Cwnd,
    /// The slow start threshold, in segments; none before the first loss.
    Ssthresh,
    /// The most bytes of data that a segment sent has.
    Mss,
    /// The largest packet that the path takes, in bytes.
    PathMtu,
    /// Segments sent and not yet acknowledged.
    Unacked,
    /// Segments that are taken for lost.
    Lost,
    /// Segments that were sent again and are not yet acknowledged.
    Retransmitting,
    /// Segments sent again since the connection began.
    Retransmits,
    /// Bytes of data sent, with those sent again.
    BytesSent,
    /// Bytes of data that the other end acknowledged.
    BytesAcked,
    /// Bytes of data received in order.
    BytesReceived,
    /// Bytes of data sent again.
    BytesRetransmitted,
    /// Segments sent.
    SegmentsOut,
    /// Segments received.
    SegmentsIn,
    /// Bytes in the send buffer that were not sent yet.
    NotSent,
    /// The latest rate at which data was delivered, in bytes per second.
    DeliveryRate,
    /// Whether that rate was limited by the application: 0 or 1.
    AppLimited,
    /// The rate to which sending is paced, in bytes per second.
    PacingRate,
    /// The time since data was sent, in milliseconds.
    LastSend,
    /// The time since data was received, in milliseconds.
    LastReceive,
    /// The time since an acknowledgement was received, in milliseconds.
    LastAck,
    /// The time with data in flight, in microseconds.
    Busy,
    /// That part of it in which the other end's window was the limit, in microseconds.
    WindowLimited,
    /// That part of it in which the own send buffer was the limit, in microseconds.
    BufferLimited,
    /// The window that the other end offers, in bytes.
    SendWindow,
    /// The window that this end offers, in bytes.
    ReceiveWindow,
    /// How many segments may arrive out of order before one is taken for lost.
    Reordering,
    /// Explicit congestion notification: 0 not negotiated, 1 negotiated, 2 marked packets came.
    Ecn,
    /// Retransmission timeouts since the connection began.
    Timeouts,
    /// Memory held by data received, in bytes.
    MemoryReceive,
    /// Memory held by data to send, in bytes.
    MemorySend,
    /// Packets that were dropped for this socket; for a listener, connections.
    Drops,
}

/// A set of fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpFields(u64);

impl TcpFields {
    /// No field.
    pub const NONE: Self = Self(0);

    /// The set of these fields.
    pub const fn of(mut fields: &[TcpField]) -> Self {
        let mut set = Self::NONE;
        while let [first, rest @ ..] = fields {
            set = Self(set.0 | bit(*first));
            fields = rest;
        }
        set
    }

    /// The members of both sets together.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The members of this set that are not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether the field is in the set.
    pub const fn contains(self, field: TcpField) -> bool {
        self.0 & bit(field) != 0
    }

    /// Whether any field of the other set is in this one.
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether no field is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many fields there are.
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }
}

impl FromIterator<TcpField> for TcpFields {
    fn from_iter<I: IntoIterator<Item = TcpField>>(fields: I) -> Self {
        fields.into_iter().fold(Self::NONE, |set, field| set.or(Self::of(&[field])))
    }
}

const fn bit(field: TcpField) -> u64 {
    1 << field as u8
}

/// In the mask of a row: nothing of the row could be asked for. It is not the bit of any field.
const UNREAD: u64 = 1 << 63;

const _: () = assert!(TcpField::ALL.len() < 63);

/// The numbers of the rows of a snapshot, of the fields that were asked for.
///
/// Each row takes eight bytes for each of these fields and eight more: a million rows with ten fields fit in 88 MB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TcpInfoTable {
    fields: TcpFields,
    /// The cells of a row.
    stride: usize,
    /// The place of each field among the cells of a row; 0, which is that of the mask, if it was not asked for.
    places: [u8; TcpField::ALL.len()],
    /// For each row a mask of the fields that are known, then the value of each field.
    cells: Vec<u64>,
    /// Fields that the kernel's structure does not have.
    missing: TcpFields,
}

/// The numbers of one row while they are read.
#[derive(Debug)]
pub struct TcpInfoRow<'a> {
    fields: TcpFields,
    places: &'a [u8; TcpField::ALL.len()],
    cells: &'a mut [u64],
    missing: &'a mut TcpFields,
}

/// The place of a field's cell.
fn place(places: &[u8; TcpField::ALL.len()], field: TcpField) -> Option<usize> {
    places.get(field as usize).map(|&place| usize::from(place)).filter(|&place| place != 0)
}

impl TcpInfoRow<'_> {
    /// The fields that are asked for.
    pub const fn wanted(&self) -> TcpFields {
        self.fields
    }

    /// Takes a value; one that is not asked for is dropped.
    pub fn set(&mut self, field: TcpField, value: u64) {
        let Some(cell) = place(self.places, field).and_then(|place| self.cells.get_mut(place)) else { return };
        *cell = value;
        if let Some(mask) = self.cells.first_mut() {
            *mask |= bit(field);
        }
    }

    /// Notes that the kernel does not have a field.
    pub fn set_missing(&mut self, field: TcpField) {
        if self.fields.contains(field) {
            *self.missing = self.missing.or(TcpFields::of(&[field]));
        }
    }
}

impl Default for TcpInfoTable {
    fn default() -> Self {
        Self::new(TcpFields::NONE)
    }
}

impl TcpInfoTable {
    /// A table of these fields without a row.
    pub fn new(fields: TcpFields) -> Self {
        let mut places = [0; TcpField::ALL.len()];
        let mut stride: u8 = 1;
        for (&field, place) in TcpField::ALL.iter().zip(&mut places) {
            if fields.contains(field) {
                *place = stride;
                stride += 1;
            }
        }
        Self { fields, stride: stride.into(), places, cells: Vec::new(), missing: TcpFields::NONE }
    }

    /// The number of rows; 0 if nothing was asked for.
    pub fn len(&self) -> usize {
        if self.fields.is_empty() { 0 } else { self.cells.len() / self.stride }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a row of which nothing is known yet.
    pub fn push(&mut self) -> TcpInfoRow<'_> {
        let start = self.cells.len();
        self.cells.resize(start + self.stride, 0);
        let cells = self.cells.get_mut(start..).unwrap_or_default();
        TcpInfoRow { fields: self.fields, places: &self.places, cells, missing: &mut self.missing }
    }

    /// Adds rows up to a number, which could not be asked for.
    pub fn resize_unread(&mut self, rows: usize) {
        while !self.fields.is_empty() && self.len() < rows {
            if let Some(mask) = self.push().cells.first_mut() {
                *mask = UNREAD;
            }
        }
    }

    /// Drops all rows from a position on.
    pub fn truncate(&mut self, rows: usize) {
        self.cells.truncate(rows.saturating_mul(self.stride));
    }

    /// Takes over the rows of another table of the same fields from a position on, and drops them there.
    pub fn take_tail(&mut self, other: &mut Self, start: usize) {
        if self.fields.is_empty() {
            *self = Self::new(other.fields);
        }
        self.missing = self.missing.or(other.missing);
        let start = start.saturating_mul(other.stride).min(other.cells.len());
        self.cells.extend(other.cells.drain(start..));
        other.cells.shrink_to_fit();
    }

    /// The rows at these positions, in their order.
    #[must_use]
    pub fn at(&self, positions: &[u32]) -> Self {
        let stride = self.stride;
        let row = |&position: &u32| self.cells.get(position as usize * stride..)?.get(..stride);
        let cells = positions.iter().filter_map(row).flatten().copied().collect();
        Self { cells, missing: self.missing, ..Self::new(self.fields) }
    }

    /// The value of a row in a field; `None` if it was not asked for or is not known.
    pub fn get(&self, row: usize, field: TcpField) -> Option<u64> {
        let cells = self.cells.get(row.checked_mul(self.stride)?..)?;
        let value = *cells.get(place(&self.places, field)?)?;
        (cells.first()? & bit(field) != 0).then_some(value)
    }

    /// Whether the row could not be asked for.
    pub fn is_unread(&self, row: usize) -> bool {
        let mask = row.checked_mul(self.stride).and_then(|start| self.cells.get(start));
        mask.is_some_and(|mask| mask & UNREAD != 0)
    }

    /// The fields that were asked for.
    pub const fn fields(&self) -> TcpFields {
        self.fields
    }

    /// The fields that were asked for and that this kernel does not have.
    pub const fn missing(&self) -> TcpFields {
        self.missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_row_keeps_what_was_asked_for_and_nothing_else() {
        let mut table = TcpInfoTable::new(TcpFields::of(&[TcpField::Rtt, TcpField::Drops]));
        let mut row = table.push();
        row.set(TcpField::Drops, 7);
        row.set(TcpField::Cwnd, 10);
        row.set_missing(TcpField::Rtt);
        row.set_missing(TcpField::Busy);
        assert_eq!([TcpField::Rtt, TcpField::Cwnd, TcpField::Drops].map(|field| table.get(0, field)), [None, None, Some(7)]);
        assert_eq!((table.missing(), table.get(1, TcpField::Drops)), (TcpFields::of(&[TcpField::Rtt]), None));
        assert_eq!(TcpInfoTable::default().get(0, TcpField::Rtt), None);
    }

    #[test]
    fn a_row_that_could_not_be_asked_for_says_so() {
        let mut table = TcpInfoTable::new(TcpFields::of(&[TcpField::Rtt]));
        table.push();
        table.resize_unread(3);
        assert_eq!([0, 1, 2, 3].map(|row| table.is_unread(row)), [false, true, true, false]);
        assert_eq!((table.len(), table.get(1, TcpField::Rtt)), (3, None));
        let mut nothing = TcpInfoTable::default();
        nothing.resize_unread(3);
        assert!(nothing.is_empty() && !nothing.is_unread(0));
    }

    proptest! {
        #[test]
        fn rows_that_change_tables_keep_their_values(values in prop::collection::vec(any::<u64>(), 0..20), start in 0usize..25) {
            let fields = TcpFields::of(&[TcpField::Busy, TcpField::Rtt]);
            let mut from = TcpInfoTable::new(fields);
            for &value in &values {
                let mut row = from.push();
                row.set(TcpField::Rtt, value);
                row.set(TcpField::Busy, !value);
            }
            let mut to = TcpInfoTable::default();
            to.take_tail(&mut from, start);
            let start = start.min(values.len());
            prop_assert_eq!((from.len(), to.len()), (start, values.len() - start));
            for (row, &value) in values[start..].iter().enumerate() {
                prop_assert_eq!((to.get(row, TcpField::Rtt), to.get(row, TcpField::Busy)), (Some(value), Some(!value)));
            }
            let reversed: Vec<u32> = (0..to.len() as u32).rev().collect();
            prop_assert_eq!(to.at(&reversed).at(&reversed), to);
            from.truncate(start / 2);
            prop_assert_eq!(from.len(), start / 2);
        }
    }
}
