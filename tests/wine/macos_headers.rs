//! The layouts that the macOS parsers read, against Apple's own headers.

use rnetstat::platform::macos::{route_messages, socket_fdinfo};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Headers that declare what is read.
const HEADERS: [&str; 7] =
    ["stddef.h", "sys/types.h", "sys/socket.h", "netinet/in.h", "net/if.h", "net/route.h", "sys/proc_info.h"];

/// What a compiler for 64-bit macOS on Arm defines; the headers choose by it.
const DEFINITIONS: [&str; 8] =
    ["-U__linux__", "-U__x86_64__", "-D__APPLE__", "-D__MACH__", "-D__arm64__", "-D__LP64__", "-U__GNUC__", "-D__GNUC__=4"];

/// A C program that compiles if every number is right.
fn assertions() -> String {
    let mut program = String::new();
    for header in HEADERS {
        writeln!(program, "#include <{header}>").unwrap();
    }
    for (name, field, offset) in socket_fdinfo::OFFSETS.iter().chain(route_messages::OFFSETS) {
        writeln!(program, "_Static_assert(offsetof(struct {name}, {field}) == {offset}, \"{name}.{field}\");").unwrap();
    }
    for (constant, value) in socket_fdinfo::CONSTANTS.iter().chain(route_messages::CONSTANTS) {
        writeln!(program, "_Static_assert({constant} == {value}, \"{constant}\");").unwrap();
    }
    program
}

/// The compiler's verdict.
fn compile(headers: &PathBuf, program: &str) -> Result<(), String> {
    let mut compiler = Command::new("cc")
        .args(["-w", "-fsyntax-only", "-nostdinc"])
        .args(DEFINITIONS)
        .arg("-isystem")
        .arg(headers)
        .arg("-isystem")
        .arg(headers.join(".clang"))
        .args(["-x", "c", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    compiler.stdin.take().unwrap().write_all(program.as_bytes()).unwrap();
    let output = compiler.wait_with_output().unwrap();
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

#[test]
fn the_offsets_and_constants_of_the_macos_parsers_are_those_of_apples_headers() {
    if std::env::var_os("CROSS_CELL").is_none() {
        eprintln!("SKIPPED: the layouts of macOS: CROSS_CELL names no folder with wcargo and wwine");
        return;
    }
    let cell = std::env::var_os("WINCELL").map_or_else(|| PathBuf::from("/opt/wincell"), PathBuf::from);
    let headers = cell.join("macos-include");
    let program = assertions();
    if let Err(errors) = compile(&headers, &program) {
        panic!("{errors}");
    }
    // The compiler has in fact looked.
    let wrong = program.replacen("== 344", "== 345", 1);
    assert!(compile(&headers, &wrong).is_err());
}
