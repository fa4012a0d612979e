//! BTF, the kernel's description of its own types (`Documentation/bpf/btf.rst`): where the fields are that lead from an
//! open file to its inode, and which number the hook of the `task_file` iterator has.
//!
//! One pass, no allocation but a few bookmarks. Whatever the bytes are, the answer comes after a bounded number of steps.

use super::nlmsg::{u16_at, u32_at};
use memchr::memmem;
use std::ops::Range;

/// Where the kernel shows its own description.
pub const PATH: &str = "/sys/kernel/btf/vmlinux";

/// `BTF_MAGIC`, which also tells the byte order.
const MAGIC: u16 = 0xEB9F;
/// The size of `struct btf_type`, before what its kind adds.
const TYPE: usize = 12;
/// The size of `struct btf_member`.
const MEMBER: usize = 12;

/// `BTF_KIND_STRUCT`, `BTF_KIND_UNION` and `BTF_KIND_FUNC`.
const STRUCT: u32 = 4;
const UNION: u32 = 5;
const FUNC: u32 = 12;

/// What follows the `struct btf_type` of each kind: so many bytes, and so many more for each that it counts. A table and
/// not a `match`, because kinds come in no order that a processor could foresee: the pass takes half the time.
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
const BOOKMARK_EVERY: u32 = 1024;
/// How deep members without a name may be nested: real kernels need two.
const DEPTH: u32 = 8;
/// How many members without a name are followed at most.
const FOLLOWED: u32 = 1000;

/// What the program of the `task_file` iterator has to know of the running kernel. Offsets are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskFileLayout {
    /// `struct file`, `f_inode`
    pub file_inode: i16,
    /// `struct inode`, `i_mode`
    pub inode_mode: i16,
    /// `struct inode`, `i_ino`
    pub inode_number: i16,
    /// `struct task_struct`, `tgid`
    pub task_tgid: i16,
    /// `struct task_struct`, `group_leader`
    pub task_leader: i16,
    /// `struct task_struct`, `files`
    pub task_files: i16,
    /// `struct files_struct`, `fdt`
    pub files_table: i16,
    /// `struct fdtable`, `max_fds`
    pub table_size: i16,
    /// `struct fdtable`, `fd`
    pub table_files: i16,
    /// The type number of the function `bpf_iter_task_file`, to which the program is attached that sees every file.
    pub file_hook: u32,
    /// The same of `bpf_iter_task`, for the program that sees every task.
    pub task_hook: u32,
}

/// Why a description is of no use here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BtfError {
    /// It is not what its headers claim, or a kind of type stands in it that nobody knew yet.
    #[error("malformed or unknown BTF")]
    Malformed,
    /// The kernel has no such field or function.
    #[error("the kernel's BTF has no {0}")]
    Missing(&'static str),
}

/// The fields that are looked for: structure, member, and how the two are called in a message.
const FIELDS: [(&[u8], &[u8], &str); 9] = [
    (b"file", b"f_inode", "file.f_inode"),
    (b"inode", b"i_mode", "inode.i_mode"),
    (b"inode", b"i_ino", "inode.i_ino"),
    (b"task_struct", b"tgid", "task_struct.tgid"),
    (b"task_struct", b"group_leader", "task_struct.group_leader"),
    (b"task_struct", b"files", "task_struct.files"),
    (b"files_struct", b"fdt", "files_struct.fdt"),
    (b"fdtable", b"max_fds", "fdtable.max_fds"),
    (b"fdtable", b"fd", "fdtable.fd"),
];
/// The functions that are looked for.
const HOOKS: [(&[u8], &str); 2] = [(b"bpf_iter_task_file", "bpf_iter_task_file"), (b"bpf_iter_task", "bpf_iter_task")];
/// How many names all of these have.
const NAMES: usize = 7;

impl TaskFileLayout {
    /// Looks everything up in the bytes of [`PATH`].
    pub fn find(btf: &[u8]) -> Result<Self, BtfError> {
        let mut types = Types::open(btf).ok_or(BtfError::Malformed)?;
        // A name may stand for several types: each is a candidate until one has the field.
        let mut fields = [None; FIELDS.len()];
        let mut hooks = [None; HOOKS.len()];
        // Names are compared as numbers, and only those that agree as texts: the texts of 60,000 types need not be fetched.
        let names: [&[u8]; NAMES] = [FIELDS[0].0, FIELDS[1].0, FIELDS[3].0, FIELDS[6].0, FIELDS[7].0, HOOKS[0].0, HOOKS[1].0];
        let names = names.map(|name| types.place_of(name));
        let mut cursor = Cursor::START;
        while fields.contains(&None) || hooks.contains(&None) {
            cursor = types.skip_to(cursor, names)?;
            let Some((kind, next)) = types.read(cursor)? else { break };
            match kind.kind {
                STRUCT => {
                    for (found, (structure, member, _)) in fields.iter_mut().zip(FIELDS) {
                        if found.is_none() && types.is_named(kind.name, structure) {
                            *found = types.offset_of(&kind, member)?;
                        }
                    }
                }
                FUNC => {
                    for (found, (function, _)) in hooks.iter_mut().zip(HOOKS) {
                        if found.is_none() && types.is_named(kind.name, function) {
                            *found = Some(cursor.id);
                        }
                    }
                }
                _ => {}
            }
            cursor = next;
        }
        let field = |index: usize| fields[index].ok_or(BtfError::Missing(FIELDS[index].2));
        let hook = |index: usize| hooks[index].ok_or(BtfError::Missing(HOOKS[index].1));
        Ok(Self {
            file_inode: field(0)?,
            inode_mode: field(1)?,
            inode_number: field(2)?,
            task_tgid: field(3)?,
            task_leader: field(4)?,
            task_files: field(5)?,
            files_table: field(6)?,
            table_size: field(7)?,
            table_files: field(8)?,
            file_hook: hook(0)?,
            task_hook: hook(1)?,
        })
    }
}

/// A place in the list of types.
#[derive(Clone, Copy, Debug)]
struct Cursor {
    /// The number of the type that stands here.
    id: u32,
    /// Where it begins, in bytes.
    at: usize,
}

impl Cursor {
    /// Number 0 is `void`, which stands nowhere.
    const START: Self = Self { id: 1, at: 0 };
}

/// One type, as far as it matters here.
#[derive(Clone, Debug)]
struct Kind {
    kind: u32,
    name: u32,
    /// Whether the offset of a member carries the width of a bit field in its highest byte.
    bit_fields: bool,
    /// Where the members stand, if it has some.
    members: Range<usize>,
}

/// The two sections of a description.
struct Types<'a> {
    types: &'a [u8],
    strings: &'a [u8],
    bookmarks: Vec<Cursor>,
    /// How many members without a name may still be followed.
    followed: u32,
}

impl<'a> Types<'a> {
    /// Reads `struct btf_header`.
    fn open(btf: &'a [u8]) -> Option<Self> {
        if u16_at(btf, 0)? != MAGIC {
            return None;
        }
        let body = btf.get(u32_at(btf, 4)? as usize..)?;
        let section = |offset, length| body.get(u32_at(btf, offset)? as usize..)?.get(..u32_at(btf, length)? as usize);
        Some(Self { types: section(8, 12)?, strings: section(16, 20)?, bookmarks: vec![Cursor::START], followed: FOLLOWED })
    }

    /// The place of the next type that has one of these names; the end of the list where none has.
    fn skip_to(&mut self, mut cursor: Cursor, names: [u32; NAMES]) -> Result<Cursor, BtfError> {
        while let Some(header) = self.types.get(cursor.at..).and_then(|rest| rest.first_chunk::<TYPE>()) {
            let word = |at: usize| u32::from_ne_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
            if names.contains(&word(0)) {
                break;
            }
            if cursor.id.is_multiple_of(BOOKMARK_EVERY) {
                self.mark(cursor);
            }
            cursor = Cursor { id: cursor.id + 1, at: self.end_of(cursor, word(4))? };
        }
        Ok(cursor)
    }

    /// Where the type that begins at the cursor ends. Behind a type of unknown length nothing can be read.
    fn end_of(&self, cursor: Cursor, info: u32) -> Result<usize, BtfError> {
        let (once, each) = ADDED[(info >> 24 & 0x1f) as usize].ok_or(BtfError::Malformed)?;
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
    fn read(&mut self, cursor: Cursor) -> Result<Option<(Kind, Cursor)>, BtfError> {
        if cursor.at >= self.types.len() {
            return Ok(None);
        }
        self.mark(cursor);
        let header: &[u8; TYPE] = self.types[cursor.at..].first_chunk().ok_or(BtfError::Malformed)?;
        let word = |at: usize| u32::from_ne_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let (name, info) = (word(0), word(4));
        let kind = info >> 24 & 0x1f;
        let begin = cursor.at + TYPE;
        let end = self.end_of(cursor, info)?;
        let members = if matches!(kind, STRUCT | UNION) { begin..end } else { begin..begin };
        let next = Cursor { id: cursor.id.checked_add(1).ok_or(BtfError::Malformed)?, at: end };
        Ok(Some((Kind { kind, name, bit_fields: info >> 31 != 0, members }, next)))
    }

    /// Where a text stands among the strings; no name's place where it is not there. It stands there once: the kernel is
    /// built with a description without duplicates.
    fn place_of(&self, text: &[u8]) -> u32 {
        // The first string is the empty one, so that a zero precedes every other.
        let whole = [b"\0", text, b"\0"].concat();
        memmem::find(self.strings, &whole).and_then(|at| u32::try_from(at + 1).ok()).unwrap_or(u32::MAX)
    }

    fn is_named(&self, name: u32, wanted: &[u8]) -> bool {
        let text = self.strings.get(name as usize..).unwrap_or_default();
        text.starts_with(wanted) && text.get(wanted.len()) == Some(&0)
    }

    /// The offset of a member in bytes; `None` where there is none of that name, or where no program could use it.
    fn offset_of(&mut self, structure: &Kind, member: &[u8]) -> Result<Option<i16>, BtfError> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Puts a description together, type by type.
    struct Builder {
        types: Vec<u8>,
        strings: Vec<u8>,
        count: u32,
    }

    impl Builder {
        fn new() -> Self {
            Self { types: Vec::new(), strings: vec![0], count: 0 }
        }

        fn string(&mut self, text: &str) -> u32 {
            // Each text stands there once, as in a kernel's.
            let whole = [b"\0", text.as_bytes(), b"\0"].concat();
            if text.is_empty() {
                return 0;
            }
            if let Some(at) = self.strings.windows(whole.len()).position(|window| window == whole) {
                return at as u32 + 1;
            }
            let at = self.strings.len() as u32;
            self.strings.extend(text.as_bytes());
            self.strings.push(0);
            at
        }

        /// Adds a type and returns its number.
        fn add(&mut self, name: &str, info: u32, size: u32, more: &[u32]) -> u32 {
            let name = self.string(name);
            for word in [name, info, size].iter().chain(more) {
                self.types.extend(word.to_ne_bytes());
            }
            self.count += 1;
            self.count
        }

        /// Adds a structure whose members are name, type and offset in bits.
        fn structure(&mut self, name: &str, members: &[(&str, u32, u32)]) -> u32 {
            let more: Vec<u32> = members.iter().flat_map(|&(name, kind, bits)| [self.string(name), kind, bits]).collect();
            self.add(name, STRUCT << 24 | members.len() as u32, 8, &more)
        }

        fn build(&self) -> Vec<u8> {
            let mut bytes = MAGIC.to_ne_bytes().to_vec();
            bytes.extend([1, 0]);
            let (types, strings) = (self.types.len() as u32, self.strings.len() as u32);
            for word in [24, 0, types, types, strings] {
                bytes.extend(word.to_ne_bytes());
            }
            [bytes, self.types.clone(), self.strings.clone()].concat()
        }
    }

    /// One type of every kind, and the structures that are looked for.
    fn kernel() -> Builder {
        let mut btf = Builder::new();
        btf.add("int", 1 << 24, 4, &[32]);
        btf.add("", 2 << 24, 1, &[]);
        btf.add("", 3 << 24, 0, &[1, 1, 4]);
        btf.add("", 6 << 24 | 1, 4, &[0, 7]);
        btf.add("", 13 << 24 | 2, 0, &[0, 1, 0, 1]);
        btf.add("v", 14 << 24, 1, &[0]);
        btf.add(".data", 15 << 24 | 1, 4, &[1, 0, 4]);
        btf.add("", 17 << 24, 1, &[0]);
        btf.add("e", 19 << 24 | 1, 8, &[0, 1, 0]);
        btf.add("bpf_iter_task_files", FUNC << 24, 1, &[]);
        btf.structure("inode", &[("i_mode", 1, 0), ("i_ino", 1, 512)]);
        btf.structure("file", &[("f_mode", 1, 0), ("f_inode", 2, 320)]);
        let task = [("state", 1, 0), ("tgid", 1, 19872), ("group_leader", 2, 20096), ("files", 2, 24512)];
        btf.structure("task_struct", &task);
        btf.structure("files_struct", &[("count", 1, 0), ("fdt", 2, 256)]);
        btf.structure("fdtable", &[("max_fds", 1, 0), ("fd", 2, 64)]);
        btf.add("bpf_iter_task", FUNC << 24, 1, &[]);
        btf
    }

    #[test]
    fn fields_and_the_hook_are_found_behind_every_kind_of_type() {
        let mut btf = kernel();
        let task_hook = btf.count;
        let file_hook = btf.add("bpf_iter_task_file", FUNC << 24, 1, &[]);
        let expected = TaskFileLayout {
            file_inode: 40,
            inode_mode: 0,
            inode_number: 64,
            task_tgid: 2484,
            task_leader: 2512,
            task_files: 3064,
            files_table: 32,
            table_size: 0,
            table_files: 8,
            file_hook,
            task_hook,
        };
        assert_eq!(TaskFileLayout::find(&btf.build()), Ok(expected));
    }

    #[test]
    fn members_of_nameless_members_count_wherever_their_type_stands() {
        let mut btf = Builder::new();
        let early = btf.structure("", &[("x", 1, 0), ("i_ino", 1, 64)]);
        btf.add("bpf_iter_task_file", FUNC << 24, 1, &[]);
        btf.add("bpf_iter_task", FUNC << 24, 1, &[]);
        btf.structure("files_struct", &[("fdt", 1, 8)]);
        btf.structure("fdtable", &[("max_fds", 1, 8), ("fd", 1, 8)]);
        btf.structure("file", &[("f_inode", 1, 8)]);
        for _ in 0..3 * BOOKMARK_EVERY {
            btf.add("", 2 << 24, 1, &[]);
        }
        // The type of the nameless member stands behind the structure, and has the field two levels down.
        let here = btf.count + 1;
        btf.structure("inode", &[("", early, 128), ("i_mode", 1, 16)]);
        let task = [("state", 1, 0), ("", here + 3, 800), ("group_leader", 1, 8), ("files", 1, 8)];
        btf.structure("task_struct", &task);
        btf.structure("", &[("tgid", 1, 32)]);
        btf.structure("", &[("", here + 2, 64)]);
        let found = TaskFileLayout::find(&btf.build()).unwrap();
        assert_eq!((found.inode_number, found.inode_mode, found.task_tgid), ((128 + 64) / 8, 2, (800 + 64 + 32) / 8));
    }

    #[test]
    fn the_width_of_a_bit_field_is_no_part_of_its_offset_and_half_bytes_are_of_no_use() {
        let mut btf = kernel();
        btf.add("bpf_iter_task_file", FUNC << 24, 1, &[]);
        let flagged = |bits: u32| {
            let mut btf = Builder::new();
            let more = [btf.string("f_inode"), 1, (3 << 24) | bits];
            btf.add("file", 1 << 31 | STRUCT << 24 | 1, 8, &more);
            let bytes = btf.build();
            let mut types = Types::open(&bytes).unwrap();
            let (structure, _) = types.read(Cursor::START).unwrap().unwrap();
            types.offset_of(&structure, b"f_inode").unwrap()
        };
        assert_eq!(flagged(16), Some(2));
        assert_eq!(flagged(17), None);
    }

    #[test]
    fn what_is_missing_is_named() {
        assert_eq!(TaskFileLayout::find(&kernel().build()), Err(BtfError::Missing("bpf_iter_task_file")));
        let mut btf = Builder::new();
        btf.structure("file", &[("f_mode", 1, 0)]);
        assert_eq!(TaskFileLayout::find(&btf.build()), Err(BtfError::Missing("file.f_inode")));
    }

    #[test]
    fn a_type_that_holds_itself_comes_to_an_end() {
        let mut btf = Builder::new();
        btf.structure("file", &[("", 1, 0), ("", 1, 0), ("", 1, 0)]);
        assert_eq!(TaskFileLayout::find(&btf.build()), Err(BtfError::Missing("file.f_inode")));
    }

    #[test]
    fn a_kind_that_nobody_knows_and_a_cut_end_are_malformed() {
        let mut btf = kernel();
        btf.add("", 31 << 24, 0, &[]);
        assert_eq!(TaskFileLayout::find(&btf.build()), Err(BtfError::Malformed));
        let mut btf = Builder::new();
        btf.add("many", STRUCT << 24 | 9, 0, &[0, 0, 0]);
        assert_eq!(TaskFileLayout::find(&btf.build()), Err(BtfError::Malformed));
        assert_eq!(TaskFileLayout::find(&btf.build()[..20]), Err(BtfError::Malformed));
        assert_eq!(TaskFileLayout::find(b""), Err(BtfError::Malformed));
    }

    #[test]
    fn the_running_kernels_own_description_is_understood() {
        let Ok(btf) = std::fs::read(PATH) else {
            eprintln!("SKIPPED: this kernel has no {PATH}");
            return;
        };
        let layout = TaskFileLayout::find(&btf).unwrap();
        let offsets = [layout.file_inode, layout.inode_mode, layout.inode_number, layout.task_tgid];
        assert!(offsets.iter().all(|&offset| offset >= 0) && layout.inode_mode != layout.inode_number, "{layout:?}");
    }

    proptest! {
        #[test]
        fn any_bytes_behind_a_header_are_answered(
            words in prop::collection::vec(prop_oneof![any::<u32>(), 0u32..40, Just(STRUCT << 24 | 2)], 0..200)
        ) {
            let mut btf = Builder::new();
            for text in ["file", "f_inode", "inode", "i_mode", "i_ino"] {
                btf.string(text);
            }
            btf.types = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
            let _ = TaskFileLayout::find(&btf.build());
        }

        #[test]
        fn any_bytes_at_all_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = TaskFileLayout::find(&bytes);
        }
    }
}
