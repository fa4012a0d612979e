//! The command `rnetstat`: arguments in, exit status out.

mod memory;

use std::process::ExitCode;

#[global_allocator]
static MEMORY: memory::Memory = memory::Memory;

fn main() -> ExitCode {
    rnetstat::run::main(std::env::args_os().skip(1)).into()
}
