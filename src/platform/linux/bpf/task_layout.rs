//! The fields that lead from a task to the sockets among its open files, in the running kernel.

use super::btf::{BtfError, Types};

/// What the programs that look at open files must know of the running kernel. Offsets are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskFileLayout {
    /// `struct file`, `f_inode`
    pub file_inode: i16,
    /// `struct file`, `f_mode`
    pub file_mode: i16,
    /// `struct file`, `f_op`
    pub file_ops: i16,
    /// `struct inode`, `i_mode`
    pub inode_mode: i16,
    /// `struct inode`, `i_ino`
    pub inode_number: i16,
    /// `struct inode`, `i_sb`
    pub inode_superblock: i16,
    /// `struct super_block`, `s_magic`
    pub superblock_magic: i16,
    /// `struct task_struct`, `tgid`
    pub task_tgid: i16,
    /// `struct task_struct`, `group_leader`
    pub task_leader: i16,
    /// `struct task_struct`, `files`
    pub task_files: i16,
    /// `struct task_struct`, `signal`
    pub task_signal: i16,
    /// `struct signal_struct`, `nr_threads`
    pub signal_threads: i16,
    /// `struct files_struct`, `count`
    pub files_count: i16,
    /// `struct files_struct`, `fdt`
    pub files_table: i16,
    /// `struct fdtable`, `max_fds`
    pub table_size: i16,
    /// `struct fdtable`, `fd`
    pub table_files: i16,
    /// `struct task_struct`, `io_uring`; kernels before 5.11 and those without io_uring have none.
    pub task_io_uring: Option<i16>,
    /// The BTF id of `struct file`
    pub file: u32,
    /// The BTF id of `struct task_struct`
    pub task: u32,
    /// The BTF id of `struct fdtable`
    pub table: u32,
    /// The BTF id of the function `bpf_iter_task_file`, the target of the program that sees every file
    pub file_hook: u32,
    /// The BTF id of `bpf_iter_task`, the target of programs that see every task
    pub task_hook: u32,
    /// The BTF id of `bpf_rdonly_cast`, which programs may call since 6.2
    pub cast: Option<u32>,
}

/// A field that is looked up: structure, member, and the name of both in a message.
type Field = (&'static [u8], &'static [u8], &'static str);

/// The fields, the last of which some kernels do not have.
const FIELDS: [Field; 17] = [
    (b"file", b"f_inode", "file.f_inode"),
    (b"file", b"f_mode", "file.f_mode"),
    (b"file", b"f_op", "file.f_op"),
    (b"inode", b"i_mode", "inode.i_mode"),
    (b"inode", b"i_ino", "inode.i_ino"),
    (b"inode", b"i_sb", "inode.i_sb"),
    (b"super_block", b"s_magic", "super_block.s_magic"),
    (b"task_struct", b"tgid", "task_struct.tgid"),
    (b"task_struct", b"group_leader", "task_struct.group_leader"),
    (b"task_struct", b"files", "task_struct.files"),
    (b"task_struct", b"signal", "task_struct.signal"),
    (b"signal_struct", b"nr_threads", "signal_struct.nr_threads"),
    (b"files_struct", b"count", "files_struct.count"),
    (b"files_struct", b"fdt", "files_struct.fdt"),
    (b"fdtable", b"max_fds", "fdtable.max_fds"),
    (b"fdtable", b"fd", "fdtable.fd"),
    (b"task_struct", b"io_uring", "task_struct.io_uring"),
];
/// The functions that are looked up; older kernels do not have the last one.
const FUNCTIONS: [&str; 3] = ["bpf_iter_task_file", "bpf_iter_task", "bpf_rdonly_cast"];

impl TaskFileLayout {
    /// Looks everything up in the bytes of [`btf::PATH`](super::btf::PATH).
    pub fn find(btf: &[u8]) -> Result<Self, BtfError> {
        let mut types = Types::open(btf).ok_or(BtfError::Malformed)?;
        let (fields, functions) = types.find(&FIELDS, &FUNCTIONS)?;
        let optional = |name: &str| {
            let mut pairs = fields.iter().zip(FIELDS);
            pairs.find_map(|(found, field)| found.filter(|_| field.2 == name))
        };
        let found = |name: &'static str| optional(name).ok_or(BtfError::Missing(name));
        let field = |name| found(name).map(|field| field.offset);
        let structure_of = |name| found(name).map(|field| field.structure);
        let task_io_uring = optional("task_struct.io_uring").map(|field| field.offset);
        let [file_hook, task_hook, cast] = functions;
        Ok(Self {
            file_inode: field("file.f_inode")?,
            file_mode: field("file.f_mode")?,
            file_ops: field("file.f_op")?,
            inode_mode: field("inode.i_mode")?,
            inode_number: field("inode.i_ino")?,
            inode_superblock: field("inode.i_sb")?,
            superblock_magic: field("super_block.s_magic")?,
            task_tgid: field("task_struct.tgid")?,
            task_leader: field("task_struct.group_leader")?,
            task_files: field("task_struct.files")?,
            task_signal: field("task_struct.signal")?,
            signal_threads: field("signal_struct.nr_threads")?,
            files_count: field("files_struct.count")?,
            files_table: field("files_struct.fdt")?,
            table_size: field("fdtable.max_fds")?,
            table_files: field("fdtable.fd")?,
            task_io_uring,
            file: structure_of("file.f_inode")?,
            task: structure_of("task_struct.tgid")?,
            table: structure_of("fdtable.fd")?,
            file_hook: file_hook.ok_or(BtfError::Missing(FUNCTIONS[0]))?,
            task_hook: task_hook.ok_or(BtfError::Missing(FUNCTIONS[1]))?,
            cast,
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::platform::linux::bpf::btf::{BOOKMARK_EVERY, Cursor, FUNC, MAGIC, PATH, STRUCT};
    use proptest::prelude::*;

    /// Builds BTF, type by type.
    pub(crate) struct Builder {
        types: Vec<u8>,
        strings: Vec<u8>,
        count: u32,
    }

    impl Builder {
        pub(crate) fn new() -> Self {
            Self { types: Vec::new(), strings: vec![0], count: 0 }
        }

        pub(crate) fn string(&mut self, text: &str) -> u32 {
            // Each string is there once, as in a kernel's BTF.
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
        pub(crate) fn add(&mut self, name: &str, info: u32, size: u32, more: &[u32]) -> u32 {
            let name = self.string(name);
            for word in [name, info, size].iter().chain(more) {
                self.types.extend(word.to_ne_bytes());
            }
            self.count += 1;
            self.count
        }

        /// Adds a structure whose members are name, type and offset in bits.
        pub(crate) fn structure(&mut self, name: &str, members: &[(&str, u32, u32)]) -> u32 {
            let more: Vec<u32> = members.iter().flat_map(|&(name, kind, bits)| [self.string(name), kind, bits]).collect();
            self.add(name, STRUCT << 24 | members.len() as u32, 8, &more)
        }

        pub(crate) fn build(&self) -> Vec<u8> {
            let mut bytes = MAGIC.to_ne_bytes().to_vec();
            bytes.extend([1, 0]);
            let (types, strings) = (self.types.len() as u32, self.strings.len() as u32);
            for word in [24, 0, types, types, strings] {
                bytes.extend(word.to_ne_bytes());
            }
            [bytes, self.types.clone(), self.strings.clone()].concat()
        }
    }

    /// One type of every kind, and the structures that are looked up.
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
        btf.structure("super_block", &[("s_dev", 1, 0), ("s_magic", 1, 768)]);
        btf.structure("signal_struct", &[("sigcnt", 1, 0), ("nr_threads", 1, 64)]);
        btf.structure("inode", &[("i_mode", 1, 0), ("i_sb", 2, 320), ("i_ino", 1, 512)]);
        btf.structure("file", &[("f_mode", 1, 96), ("f_op", 2, 128), ("f_inode", 2, 320)]);
        let task = [("state", 1, 0), ("tgid", 1, 19872), ("group_leader", 2, 20096), ("files", 2, 24512), ("signal", 2, 24640)];
        btf.structure("task_struct", &task);
        btf.structure("files_struct", &[("count", 1, 32), ("fdt", 2, 256)]);
        btf.structure("fdtable", &[("max_fds", 1, 0), ("fd", 2, 64)]);
        btf.add("bpf_iter_task", FUNC << 24, 1, &[]);
        btf
    }

    #[test]
    fn fields_and_functions_are_found_behind_every_kind_of_type() {
        let mut btf = kernel();
        let task_hook = btf.count;
        let file_hook = btf.add("bpf_iter_task_file", FUNC << 24, 1, &[]);
        assert_eq!(TaskFileLayout::find(&btf.build()).map(|layout| layout.cast), Ok(None));
        let cast = btf.add("bpf_rdonly_cast", FUNC << 24, 1, &[]);
        let expected = TaskFileLayout {
            file_inode: 40,
            file_mode: 12,
            file_ops: 16,
            inode_mode: 0,
            inode_number: 64,
            inode_superblock: 40,
            superblock_magic: 96,
            task_tgid: 2484,
            task_leader: 2512,
            task_files: 3064,
            task_signal: 3080,
            signal_threads: 8,
            files_count: 4,
            files_table: 32,
            table_size: 0,
            table_files: 8,
            task_io_uring: None,
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
    fn members_of_anonymous_members_are_found_wherever_their_type_is() {
        let mut btf = Builder::new();
        let early = btf.structure("", &[("x", 1, 0), ("i_ino", 1, 64)]);
        btf.add("bpf_iter_task_file", FUNC << 24, 1, &[]);
        btf.add("bpf_iter_task", FUNC << 24, 1, &[]);
        btf.structure("files_struct", &[("count", 1, 8), ("fdt", 1, 8)]);
        btf.structure("super_block", &[("s_magic", 1, 8)]);
        btf.structure("signal_struct", &[("nr_threads", 1, 8)]);
        btf.structure("fdtable", &[("max_fds", 1, 8), ("fd", 1, 8)]);
        btf.structure("file", &[("f_inode", 1, 8), ("f_mode", 1, 8), ("f_op", 1, 8)]);
        for _ in 0..3 * BOOKMARK_EVERY {
            btf.add("", 2 << 24, 1, &[]);
        }
        // The type of the anonymous member comes after the structure, and has the field two levels down.
        let here = btf.count + 1;
        btf.structure("inode", &[("", early, 128), ("i_mode", 1, 16), ("i_sb", 1, 32)]);
        let task = [
            ("state", 1, 0),
            ("", here + 3, 800),
            ("group_leader", 1, 8),
            ("files", 1, 8),
            ("signal", 1, 8),
            ("io_uring", 1, 400),
        ];
        btf.structure("task_struct", &task);
        btf.structure("", &[("tgid", 1, 32)]);
        btf.structure("", &[("", here + 2, 64)]);
        let found = TaskFileLayout::find(&btf.build()).unwrap();
        assert_eq!((found.inode_number, found.inode_mode, found.task_tgid), ((128 + 64) / 8, 2, (800 + 64 + 32) / 8));
        assert_eq!(found.task_io_uring, Some(50));
    }

    #[test]
    fn the_width_of_a_bit_field_is_not_part_of_its_offset_and_half_bytes_are_refused() {
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
    fn a_missing_field_or_function_is_named() {
        assert_eq!(TaskFileLayout::find(&kernel().build()), Err(BtfError::Missing("bpf_iter_task_file")));
        let mut btf = Builder::new();
        btf.structure("file", &[("f_mode", 1, 0)]);
        assert_eq!(TaskFileLayout::find(&btf.build()), Err(BtfError::Missing("file.f_inode")));
    }

    #[test]
    fn a_type_that_contains_itself_does_not_loop() {
        let mut btf = Builder::new();
        btf.structure("file", &[("", 1, 0), ("", 1, 0), ("", 1, 0)]);
        assert_eq!(TaskFileLayout::find(&btf.build()), Err(BtfError::Missing("file.f_inode")));
    }

    #[test]
    fn an_unknown_kind_and_a_truncated_type_are_malformed() {
        let mut btf = kernel();
        btf.string("bpf_iter_task_file"); // there must be a reason to look further
        btf.add("", 31 << 24, 0, &[]);
        assert_eq!(TaskFileLayout::find(&btf.build()), Err(BtfError::Malformed));
        let mut btf = Builder::new();
        btf.add("many", STRUCT << 24 | 9, 0, &[0, 0, 0]);
        assert_eq!(TaskFileLayout::find(&btf.build()), Err(BtfError::Malformed));
        assert_eq!(TaskFileLayout::find(&btf.build()[..20]), Err(BtfError::Malformed));
        assert_eq!(TaskFileLayout::find(b""), Err(BtfError::Malformed));
    }

    #[test]
    fn the_btf_of_the_running_kernel_is_understood() {
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
        fn any_bytes_after_a_header_are_parsed_without_panic(
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
        fn any_bytes_are_parsed_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = TaskFileLayout::find(&bytes);
        }
    }
}
