//! The completions in real shells: bash, zsh and fish.
#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod support;

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use support::command::{PROGRAM, print, stdout};
use support::skip::skipped;

/// What is typed behind `rnetstat`, and the only word that stands there after completion.
const COMPLETED: [(&str, &str); 12] = [
    ("--state ti", "time-wait"),
    ("--state listening,ti", "listening,time-wait"),
    ("--columns local_p", "local_port"),
    ("--columns pid,local_p", "pid,local_port"),
    ("--sort receive_q", "receive_queue"),
    ("-anop tcpv", "tcpv6"),
    ("--format nd", "ndjson"),
    ("--exposure loo", "loopback"),
    ("--expl", "--explain"),
    ("--listeni", "--listening"),
    ("--diff /etc/hostn", "/etc/hostname"),
    ("--color alw", "always"),
];

/// What is typed behind `rnetstat` without anything to propose: no files, no hidden switches.
const NOTHING: [&str; 5] = ["/et", "--process /et", "--timeout 1", "--listener", "--where /et"];

/// A command with rnetstat among its programs and no settings of a user.
fn shell(program: &str) -> Option<Command> {
    let is_there = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !is_there {
        return skipped(&format!("{program} is not installed"));
    }
    let folder = Path::new(PROGRAM).parent().unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let mut command = Command::new(program);
    command.env("PATH", path).env("HOME", "/nonexistent").env("XDG_CONFIG_HOME", "/nonexistent").env("TERM", "xterm");
    command.env_remove("XDG_DATA_DIRS").current_dir("/").stdin(Stdio::null());
    Some(command)
}

/// The name of this process, as rnetstat knows it, and a socket by which it is known.
fn own_name() -> (String, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let name = fs::read_to_string(format!("/proc/{}/comm", std::process::id())).unwrap();
    (name.trim_end().to_owned(), listener)
}

/// Checks the words that a shell proposes for a line behind `rnetstat`.
fn check(proposals: impl Fn(&str) -> Vec<String>) {
    for (typed, completed) in COMPLETED {
        assert_eq!(proposals(typed), [completed], "{typed}");
    }
    for typed in NOTHING {
        assert_eq!(proposals(typed), [""; 0], "{typed}");
    }
    let (name, listener) = own_name();
    let port = listener.local_addr().unwrap().port().to_string();
    assert!(proposals("--port ").contains(&port));
    assert!(proposals("--explain 1,").contains(&format!("1,{port}")));
    assert!(proposals("--pid ").contains(&std::process::id().to_string()));
    assert!(proposals(&format!("--process {}", &name[..6])).contains(&name));
    assert!(proposals("--process=").iter().any(|word| word.ends_with(&name)));
    assert!(proposals("--local 127.0.0").contains(&"127.0.0.1".to_owned()));
}

#[test]
fn bash_completes_values_of_the_definition_and_of_this_host() {
    let Some(_) = shell("bash") else { return };
    check(|typed| {
        // As bash takes a line apart.
        let words = typed.replace('=', " = ").replace(':', " : ");
        let words = words.split(' ').filter(|word| !word.is_empty());
        let mut words: Vec<String> = words.map(|word| format!("'{word}'")).collect();
        words.extend(typed.ends_with(' ').then(|| "''".to_owned()));
        let script = format!(
            "source <(rnetstat --completions bash); COMP_WORDS=(rnetstat {}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _rnetstat; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            words.join(" ")
        );
        let output = shell("bash").unwrap().args(["--norc", "-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{typed}");
        stdout(&output).lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
    });
}

#[test]
fn bash_completes_a_port_behind_a_colon() {
    let Some(mut bash) = shell("bash") else { return };
    let (_, listener) = own_name();
    let port = listener.local_addr().unwrap().port().to_string();
    let script = format!(
        "source <(rnetstat --completions bash); COMP_WORDS=(rnetstat : {}); COMP_CWORD=2; _rnetstat; echo \"${{COMPREPLY[@]}}\"",
        &port[..4]
    );
    let output = bash.args(["--norc", "-c", &script]).output().unwrap();
    assert!(stdout(&output).split_whitespace().any(|word| word == port), "{output:?}");
}

#[test]
fn fish_completes_values_of_the_definition_and_of_this_host() {
    let Some(_) = shell("fish") else { return };
    check(|typed| {
        let script = format!("rnetstat --completions fish | source; complete -C 'rnetstat {typed}'");
        let output = shell("fish").unwrap().args(["--no-config", "-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{typed}");
        // A description stands behind each word.
        stdout(&output).lines().filter_map(|line| line.split('\t').next()).map(str::to_owned).collect()
    });
}

#[test]
fn zsh_completes_values_of_the_definition_and_of_this_host() {
    let (Some(_), Some(mut script)) = (shell("zsh"), shell("script")) else { return };
    let (name, _listener) = own_name();
    let own = format!("--process {}", &name[..6]);
    let typed: Vec<&str> = COMPLETED.iter().map(|&(typed, _)| typed).chain([own.as_str()]).collect();
    let expected = COMPLETED.iter().map(|&(_, completed)| completed).chain([name.as_str()]);
    let folder = std::env::temp_dir().join(format!("rnetstat-zsh-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let (lines, functions) = (folder.join("lines"), folder.join("_rnetstat"));
    fs::write(&functions, print(&["--completions", "zsh"])).unwrap();
    // CTRL+T writes the line as it is edited, and begins another one.
    let setup = format!(
        "fpath=({} $fpath); autoload -Uz compinit; compinit -u -D; \
         show() {{ print -r -- $BUFFER >> {}; BUFFER=; zle reset-prompt }}; zle -N show; bindkey '^T' show; \
         bindkey '^I' complete-word; unsetopt listbeep autolist\n",
        folder.display(),
        lines.display()
    );
    fs::write(folder.join(".zshrc"), setup).unwrap();
    let typed_lines = typed.iter().map(|typed| format!("rnetstat {typed}\t\x14")).collect::<String>();
    let mut zsh = script
        .args(["-qec", "zsh -i", "/dev/null"])
        .env("ZDOTDIR", &folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    zsh.stdin.take().unwrap().write_all(format!("{typed_lines}exit\n").as_bytes()).unwrap();
    zsh.wait().unwrap();
    let found = fs::read_to_string(&lines).unwrap_or_default();
    fs::remove_dir_all(&folder).unwrap();
    let last_word = |line: &str| line.trim_end_matches([',', ' ', '=']).rsplit(' ').next().unwrap_or_default().to_owned();
    assert_eq!(found.lines().map(last_word).collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "{found}");
}
