//! The command `rnetstat`: arguments in, exit status out.

use std::process::ExitCode;

fn main() -> ExitCode {
    rnetstat::run::main(std::env::args_os().skip(1)).into()
}
