//! The command `rnetstat`: arguments in, exit status out.

mod allocator;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: allocator::Allocator = allocator::Allocator;

fn main() -> ExitCode {
    rnetstat::app::main(std::env::args_os().skip(1)).into()
}
