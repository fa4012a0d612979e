//! BTF, the kernel's description of its own types (`Documentation/bpf/btf.rst`).
//!
//! One pass, no allocation but a few bookmarks. Whatever the bytes are, the answer comes after a bounded number of steps.

use crate::platform::linux::netlink::message::{u16_at, u32_at};
use memchr::memmem;
use std::ops::Range;

/// Where the kernel shows its own description.
pub const PATH: &str = "/sys/kernel/btf/vmlinux";

/// `BTF_MAGIC`, which also tells the byte order.
pub(crate) const MAGIC: u16 = 0xEB9F;
/// The size of `struct btf_type`, before what its kind adds.
const TYPE: usize = 12;
/// The size of `struct btf_member`.
const MEMBER: usize = 12;

/// `BTF_KIND_STRUCT`, `BTF_KIND_UNION` and `BTF_KIND_FUNC`.
pub(crate) const STRUCT: u32 = 4;
const UNION: u32 = 5;
pub(crate) const FUNC: u32 = 12;

/// What follows the `struct btf_type` of each kind: so many bytes, and so many more for each that it counts. A table and
/// not a `match`, because kinds come in no order that a processor could foresee: the pass takes half the time.
#[expect(clippy::indexing_slicing, reason = "the loop ends with the table")]
const ADDED: [Option<(u8, u8)>; 32] = {
    let mut table = [None; 32];
    let mut kind = 0;
    while kind < table.len() {
        table[kind] = added(kind as u32);
        kind += 1;
    }
    table
};

const fn added(kind: u32) -> Option<(u8, u8)> {
    match kind {
        2 | 7..=12 | 16 | 18 => Some((0, 0)),      // PTR, FWD … FUNC, FLOAT, TYPE_TAG
        1 | 14 | 17 => Some((4, 0)),               // INT, VAR, DECL_TAG
        3 => Some((12, 0)),                        // ARRAY
        STRUCT | UNION => Some((0, MEMBER as u8)), //
        6 | 13 => Some((0, 8)),                    // ENUM, FUNC_PROTO
        15 | 19 => Some((0, 12)),                  // DATASEC, ENUM64
        _ => None,
    }
}

/// A bookmark is kept at every so many types, so that a type is found by number without an index of all.
pub(crate) const BOOKMARK_EVERY: u32 = 1024;
/// How deep members without a name may be nested: real kernels need two.
const DEPTH: u32 = 8;
/// How many members without a name are followed at most.
const FOLLOWED: u32 = 1000;

/// Why a description is of no use here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BtfError {
    /// It is not what its headers claim, or a kind of type stands in it that nobody knew yet.
    #[error("malformed or unknown BTF")]
    Malformed,
    /// The kernel has no such field or function.
    #[error("the kernel's BTF has no {0}")]
    Missing(&'static str),
    /// It has one that is not as the program needs it.
    #[error("{0} is laid out in a way that is not known")]
    Unexpected(&'static str),
}

/// A place in the list of types.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor {
    /// The number of the type that stands here.
    pub(crate) id: u32,
    /// Where it begins, in bytes.
    at: usize,
}

impl Cursor {
    /// Number 0 is `void`, which stands nowhere.
    pub(crate) const START: Self = Self { id: 1, at: 0 };
}

/// One type, as far as it matters here.
#[derive(Clone, Debug)]
pub(crate) struct Kind {
    /// The size in bytes of a structure.
    pub(crate) size: u32,
    /// Whether the offset of a member carries the width of a bit field in its highest byte.
    bit_fields: bool,
    /// Where the members stand, if it has some.
    members: Range<usize>,
}

/// A member of a structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    /// Where it stands, in bytes.
    pub(crate) offset: i16,
    /// The number and the size in bytes of the structure.
    pub(crate) structure: u32,
    pub(crate) size: u32,
}

/// The first bytes of a name as one number, which tells most names apart.
fn beginning(name: &[u8]) -> u64 {
    let end = name.iter().take(8).position(|&byte| byte == 0).unwrap_or(name.len().min(8));
    let mut bytes = [0; 8];
    for (byte, &of_name) in bytes.iter_mut().zip(name.iter().take(end)) {
        *byte = of_name;
    }
    u64::from_le_bytes(bytes)
}

/// What no name begins with.
const NO_NAME: u64 = u64::MAX;

/// The two sections of a description.
pub(crate) struct Types<'a> {
    types: &'a [u8],
    strings: &'a [u8],
    bookmarks: Vec<Cursor>,
    /// How many members without a name may still be followed.
    followed: u32,
}

impl<'a> Types<'a> {
    /// Reads `struct btf_header`.
    pub(crate) fn open(btf: &'a [u8]) -> Option<Self> {
        if u16_at(btf, 0)? != MAGIC {
            return None;
        }
        let body = btf.get(u32_at(btf, 4)? as usize..)?;
        let section = |offset, length| body.get(u32_at(btf, offset)? as usize..)?.get(..u32_at(btf, length)? as usize);
        Some(Self { types: section(8, 12)?, strings: section(16, 20)?, bookmarks: vec![Cursor::START], followed: FOLLOWED })
    }

    /// Where the type that begins at the cursor ends. Behind a type of unknown length nothing can be read.
    fn end_of(&self, cursor: Cursor, info: u32) -> Result<usize, BtfError> {
        let (once, each) = ADDED.get((info >> 24 & 0x1f) as usize).copied().flatten().ok_or(BtfError::Malformed)?;
        let end = cursor.at + TYPE + usize::from(once) + (info & 0xffff) as usize * usize::from(each);
        if end > self.types.len() { Err(BtfError::Malformed) } else { Ok(end) }
    }

    /// Keeps a bookmark, where one is due.
    fn mark(&mut self, cursor: Cursor) {
        if cursor.id / BOOKMARK_EVERY == self.bookmarks.len() as u32 {
            self.bookmarks.push(cursor);
        }
    }

    /// The type at a place and the place behind it; `None` at the end of the list.
    pub(crate) fn read(&mut self, cursor: Cursor) -> Result<Option<(Kind, Cursor)>, BtfError> {
        if cursor.at >= self.types.len() {
            return Ok(None);
        }
        self.mark(cursor);
        let header: &[u8; TYPE] = self.types.get(cursor.at..).and_then(<[u8]>::first_chunk).ok_or(BtfError::Malformed)?;
        let word = |at: usize| u32_at(header, at).unwrap_or_default();
        let info = word(4);
        let kind = info >> 24 & 0x1f;
        let begin = cursor.at + TYPE;
        let end = self.end_of(cursor, info)?;
        let members = if matches!(kind, STRUCT | UNION) { begin..end } else { begin..begin };
        let next = Cursor { id: cursor.id.checked_add(1).ok_or(BtfError::Malformed)?, at: end };
        Ok(Some((Kind { size: word(8), bit_fields: info >> 31 != 0, members }, next)))
    }

    /// Whether the kernel knows a name at all.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.place_of(name.as_bytes()) != u32::MAX
    }

    /// Looks for fields, each a structure and a member (`outer.inner` for a member of a member), and for functions. A name may
    /// stand for several structures: the first that has one of the members counts.
    #[expect(clippy::indexing_slicing, reason = "every index is a position of one of the arrays, which are equally long")]
    #[allow(clippy::type_complexity)] // one tuple for one caller
    pub(crate) fn find<const FIELDS: usize, const FUNCTIONS: usize>(
        &mut self,
        fields: &[(&[u8], &[u8], &str); FIELDS],
        functions: &[&str; FUNCTIONS],
    ) -> Result<([Option<Field>; FIELDS], [Option<u32>; FUNCTIONS]), BtfError> {
        let mut found_fields = [None; FIELDS];
        let mut found_functions = [None; FUNCTIONS];
        // There are five times as many functions as structures: their names are compared as places among the strings.
        let places = functions.map(|function| self.place_of(function.as_bytes()));
        let exist = places.iter().filter(|&&place| place != u32::MAX).count();
        let mut beginnings = fields.map(|(structure, ..)| beginning(structure));
        let mut cursor = Cursor::START;
        // There are some 150,000 types: whether anything is left to find is asked after each that is found, not after each type.
        let is_left = |beginnings: &[u64; FIELDS], functions: &[Option<u32>; FUNCTIONS]| {
            beginnings.iter().any(|&name| name != NO_NAME) || functions.iter().flatten().count() < exist
        };
        let mut is_searching = is_left(&beginnings, &found_functions);
        while is_searching {
            let Some(header) = self.types.get(cursor.at..).and_then(|rest| rest.first_chunk::<TYPE>()) else { break };
            let word = |at: usize| u32_at(header, at).unwrap_or_default();
            let (name, info) = (word(0), word(4));
            if cursor.id.is_multiple_of(BOOKMARK_EVERY) {
                self.mark(cursor);
            }
            let next = Cursor { id: cursor.id.checked_add(1).ok_or(BtfError::Malformed)?, at: self.end_of(cursor, info)? };
            match info >> 24 & 0x1f {
                FUNC => {
                    if let Some(index) = places.iter().position(|&place| place == name && place != u32::MAX) {
                        found_functions[index].get_or_insert(cursor.id);
                        is_searching = is_left(&beginnings, &found_functions);
                    }
                }
                STRUCT => {
                    let begins = beginning(self.strings.get(name as usize..).unwrap_or_default());
                    if let Some(first) = beginnings.iter().position(|&other| other == begins)
                        && let Some((kind, _)) = self.read(cursor)?
                    {
                        for index in first..FIELDS {
                            let (structure, member, _) = fields[index];
                            if beginnings[index] == begins && self.is_named(name, structure) {
                                found_fields[index] = self.offset_of_path(&kind, member)?.map(|offset| Field {
                                    offset,
                                    structure: cursor.id,
                                    size: kind.size,
                                });
                            }
                        }
                        for index in first..FIELDS {
                            let is_known = |other: usize| found_fields[other].is_some() && fields[other].0 == fields[index].0;
                            if beginnings[index] == begins && (first..FIELDS).any(is_known) {
                                beginnings[index] = NO_NAME;
                            }
                        }
                        is_searching = is_left(&beginnings, &found_functions);
                    }
                }
                _ => {}
            }
            cursor = next;
        }
        Ok((found_fields, found_functions))
    }

    /// The offset of `member`, or of `outer.inner`, in bytes.
    fn offset_of_path(&mut self, structure: &Kind, path: &[u8]) -> Result<Option<i16>, BtfError> {
        let mut parts = path.splitn(2, |&byte| byte == b'.');
        let (Some(outer), Some(inner)) = (parts.next(), parts.next()) else { return self.offset_of(structure, path) };
        let Some(begin) = self.offset_of(structure, outer)? else { return Ok(None) };
        let members = self.types.get(structure.members.clone()).unwrap_or_default().as_chunks::<MEMBER>().0;
        let word = |member: &[u8; MEMBER], at: usize| u32_at(member, at).unwrap_or_default();
        let Some(member) = members.iter().find(|member| self.is_named(word(member, 0), outer)) else { return Ok(None) };
        let Some(nested) = self.by_id(word(member, 4))? else { return Ok(None) };
        Ok(self.offset_of(&nested, inner)?.and_then(|offset| begin.checked_add(offset)))
    }

    /// Where a text stands among the strings; no name's place where it is not there. It stands there once: the kernel is
    /// built with a description without duplicates.
    pub(crate) fn place_of(&self, text: &[u8]) -> u32 {
        // The first string is the empty one, so that a zero precedes every other.
        let whole = [b"\0", text, b"\0"].concat();
        memmem::find(self.strings, &whole).and_then(|at| u32::try_from(at + 1).ok()).unwrap_or(u32::MAX)
    }

    pub(crate) fn is_named(&self, name: u32, wanted: &[u8]) -> bool {
        let text = self.strings.get(name as usize..).unwrap_or_default();
        text.starts_with(wanted) && text.get(wanted.len()) == Some(&0)
    }

    /// The offset of a member in bytes; `None` where there is none of that name, or where no program could use it.
    pub(crate) fn offset_of(&mut self, structure: &Kind, member: &[u8]) -> Result<Option<i16>, BtfError> {
        let bits = self.bit_offset_of(structure, member, DEPTH)?;
        Ok(bits.filter(|bits| bits % 8 == 0).and_then(|bits| i16::try_from(bits / 8).ok()))
    }

    /// Looks among the members, then among the members of those that have no name, whose members count as the structure's own.
    fn bit_offset_of(&mut self, of: &Kind, name: &[u8], depth: u32) -> Result<Option<u32>, BtfError> {
        let members = self.types.get(of.members.clone()).unwrap_or_default().as_chunks::<MEMBER>().0;
        let word = |member: &[u8; MEMBER], at: usize| u32_at(member, at).unwrap_or_default();
        let offset = |member| if of.bit_fields { word(member, 8) & 0x00ff_ffff } else { word(member, 8) };
        if let Some(member) = members.iter().find(|member| self.is_named(word(member, 0), name)) {
            return Ok(Some(offset(member)));
        }
        if depth == 0 {
            return Ok(None);
        }
        for member in members.iter().filter(|member| word(member, 0) == 0) {
            let Some(left) = self.followed.checked_sub(1) else { return Ok(None) };
            self.followed = left;
            let Some(nested) = self.by_id(word(member, 4))? else { continue };
            if let Some(inner) = self.bit_offset_of(&nested, name, depth - 1)? {
                return Ok(offset(member).checked_add(inner));
            }
        }
        Ok(None)
    }

    /// The type of a number, read from the nearest bookmark on.
    fn by_id(&mut self, id: u32) -> Result<Option<Kind>, BtfError> {
        let nearest = (id / BOOKMARK_EVERY) as usize;
        let mut cursor = match self.bookmarks.get(nearest) {
            Some(&bookmark) => bookmark,
            None => self.bookmarks.last().copied().unwrap_or(Cursor::START),
        };
        while let Some((kind, next)) = self.read(cursor)? {
            if cursor.id == id {
                return Ok(Some(kind));
            }
            if cursor.id > id {
                break; // number 0
            }
            cursor = next;
        }
        Ok(None)
    }
}
