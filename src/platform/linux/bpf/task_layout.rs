//! Where the fields are that lead from a task to the inodes of its open files, in the running kernel.

use crate::platform::linux::bpf::btf::{BtfError, Cursor, FUNC, STRUCT, Types};

/// What the programs that look at open files have to know of the running kernel. Offsets are in bytes.
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
    /// The type number of `struct file`
    pub file: u32,
    /// The type number of `struct task_struct`
    pub task: u32,
    /// The type number of `struct fdtable`
    pub table: u32,
    /// The type number of the function `bpf_iter_task_file`, to which the program is attached that sees every file.
    pub file_hook: u32,
    /// The same of `bpf_iter_task`, for the program that sees every task.
    pub task_hook: u32,
    /// The same of `bpf_rdonly_cast`, which a program may call from 6.2 on.
    pub cast: Option<u32>,
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
/// Which of them tell the numbers of their structures.
const FILE: usize = 0;
const TASK: usize = 3;
const TABLE: usize = 8;
/// The functions that are looked for; the last one is missing from older kernels.
const FUNCTIONS: [&str; 3] = ["bpf_iter_task_file", "bpf_iter_task", "bpf_rdonly_cast"];
/// The names that all of these have.
const NAMES: [&str; 8] = ["file", "inode", "task_struct", "files_struct", "fdtable", FUNCTIONS[0], FUNCTIONS[1], FUNCTIONS[2]];

impl TaskFileLayout {
    /// Looks everything up in the bytes of [`btf::PATH`](crate::platform::linux::bpf::btf::PATH).
    pub fn find(btf: &[u8]) -> Result<Self, BtfError> {
        let mut types = Types::open(btf).ok_or(BtfError::Malformed)?;
        // A name may stand for several types: each is a candidate until one has the field.
        let mut fields = [None; FIELDS.len()];
        let mut functions = [None; FUNCTIONS.len()];
        // Names are compared as numbers, and only those that agree as texts: the texts of 60,000 types need not be fetched.
        let names = NAMES.map(|name| types.place_of(name.as_bytes()));
        let mut cursor = Cursor::START;
        while fields.contains(&None) || functions.contains(&None) {
            cursor = types.skip_to(cursor, names)?;
            let Some((kind, next)) = types.read(cursor)? else { break };
            match kind.kind {
                STRUCT => {
                    for (found, (structure, member, _)) in fields.iter_mut().zip(FIELDS) {
                        if found.is_none() && types.is_named(kind.name, structure) {
                            *found = types.offset_of(&kind, member)?.map(|offset| (offset, cursor.id));
                        }
                    }
                }
                FUNC => {
                    for (found, function) in functions.iter_mut().zip(FUNCTIONS) {
                        if found.is_none() && types.is_named(kind.name, function.as_bytes()) {
                            *found = Some(cursor.id);
                        }
                    }
                }
                _ => {}
            }
            cursor = next;
        }
        let found = |index: usize| fields[index].ok_or(BtfError::Missing(FIELDS[index].2));
        let field = |index| found(index).map(|(offset, _)| offset);
        let structure = |index| found(index).map(|(_, number)| number);
        let function = |index: usize| functions[index].ok_or(BtfError::Missing(FUNCTIONS[index]));
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
            file: structure(FILE)?,
            task: structure(TASK)?,
            table: structure(TABLE)?,
            file_hook: function(0)?,
            task_hook: function(1)?,
            cast: functions[2],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::linux::bpf::btf::{BOOKMARK_EVERY, MAGIC, PATH};
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
        assert_eq!(TaskFileLayout::find(&btf.build()).map(|layout| layout.cast), Ok(None));
        let cast = btf.add("bpf_rdonly_cast", FUNC << 24, 1, &[]);
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
            file: task_hook - 4,
            task: task_hook - 3,
            table: task_hook - 1,
            file_hook,
            task_hook,
            cast: Some(cast),
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
