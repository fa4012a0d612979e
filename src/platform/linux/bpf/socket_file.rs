//! Which open file holds a socket.

use super::assembler::{Assembler, Label, Register, Size};
use super::task_layout::TaskFileLayout;

/// `S_IFMT` and `S_IFSOCK`
const S_IFMT: i32 = 0o170_000;
const S_IFSOCK: i32 = 0o140_000;
/// The superblock of sockets. An inode of type `S_IFSOCK` on any other file system is the file that a Unix socket is bound to:
/// its number says nothing, and on FUSE any user can choose it.
const SOCKFS_MAGIC: i32 = 0x534F_434B;
/// `FMODE_PATH`, in `f_mode` of a file opened with `O_PATH`: it does not hold the socket open.
const FMODE_PATH: i32 = 0x4000;

/// Goes on with the address of the inode in `inode` if the `struct file` at `file` holds a socket, and jumps to `other` if it does
/// not.
pub(super) fn emit_test(
    a: &mut Assembler,
    layout: &TaskFileLayout,
    file: Register,
    [inode, scratch]: [Register; 2],
    other: Label,
) {
    a.ldx(Size::W, scratch, file, layout.file_mode);
    a.jset(scratch, FMODE_PATH, other);
    a.ldx(Size::Dw, inode, file, layout.file_inode);
    a.ldx(Size::H, scratch, inode, layout.inode_mode);
    a.and(scratch, S_IFMT);
    a.jne(scratch, S_IFSOCK, other);
    a.ldx(Size::Dw, scratch, inode, layout.inode_superblock);
    a.ldx(Size::Dw, scratch, scratch, layout.superblock_magic);
    a.jne(scratch, SOCKFS_MAGIC, other);
}
