//! The pictures and samples of the README: what the program prints of a made-up moment, compared with the files in
//! `.github/assets` and with the README.
//!
//! After an intended change: `BLESS=1 cargo test --test pictures`, then look at the pictures.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod support;

use rnetstat::cli::{self, Command};
use rnetstat::reports::table_style::TableStyle;
use rnetstat::request::Request;
use std::fs;
use std::path::{Path, PathBuf};
use support::{picture, web_host};

/// The variable that makes the test write the files instead.
const BLESS: &str = "BLESS";

/// The pictures of a terminal: the file, the command line, and the columns of the terminal.
const TERMINALS: [(&str, &str, u16); 2] = [("wide.svg", "-a --wide", 126), ("explain.svg", "--explain 443", 84)];

/// The chart of the README's own table of measured times, so that the two cannot differ.
const CHART: &str = "speed.svg";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(".github/assets")
}

fn request(line: &str) -> Box<Request> {
    match cli::parse(line.split_whitespace().map(Into::into)) {
        Ok(Command::Run(request)) => request,
        other => panic!("{line}: {other:?}"),
    }
}

fn print(line: &str, columns: Option<u16>) -> String {
    let request = request(line);
    let moment = web_host::moment_of(&request);
    let style = TableStyle { width: columns, color: columns.is_some(), no_header: request.output.no_header };
    let mut out = Vec::new();
    rnetstat::reports::write(&mut out, &moment, &request, style).unwrap();
    String::from_utf8(out).unwrap()
}

fn readme() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap().replace("\r\n", "\n")
}

/// The cells of a row of the README's table of times.
fn times(readme: &str, first_cell: &str) -> Vec<String> {
    let begin = format!("| {first_cell} |");
    let row = readme.lines().find(|line| line.starts_with(&begin)).unwrap_or_else(|| panic!("no row {first_cell}"));
    row.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect()
}

/// The times of a million sockets in seconds, the own one first.
fn chart() -> String {
    let readme = readme();
    let milliseconds = |cell: &str| cell.trim_start_matches("over ").parse::<f32>().unwrap();
    let bar = |(name, cell): (String, String)| {
        let over = if cell.starts_with("over ") { "over " } else { "" };
        let seconds = milliseconds(&cell) / 1000.0;
        let text = if seconds < 10.0 { format!("{over}{seconds:.1} s") } else { format!("{over}{seconds:.0} s") };
        (name, seconds, text)
    };
    let mut bars: Vec<(String, f32, String)> =
        times(&readme, "sockets").into_iter().zip(times(&readme, "1,000,000")).skip(1).map(bar).collect();
    bars.sort_by_key(|(name, ..)| !name.starts_with("rnetstat"));
    let bars: Vec<(&str, f32, &str)> = bars.iter().map(|(name, value, text)| (name.as_str(), *value, text.as_str())).collect();
    picture::bars("A million sockets with their owners: seconds until the last row", &bars)
}

fn pictures() -> Vec<(&'static str, String)> {
    let terminal = |(file, line, columns)| (file, picture::terminal(&format!("rnetstat {line}"), &print(line, Some(columns))));
    TERMINALS.into_iter().map(terminal).chain([(CHART, chart())]).collect()
}

/// The README with what its command lines print: those behind a `$` in blocks of code.
fn with_output(readme: &str) -> String {
    let mut text = String::new();
    let (mut is_code, mut is_sample) = (false, false);
    for line in readme.lines() {
        if line == "```" {
            (is_code, is_sample) = (!is_code, false);
        }
        let command = line.strip_prefix("$ ").filter(|_| is_code);
        is_sample = is_code && (is_sample || command.is_some());
        if command.is_none() && is_sample {
            continue;
        }
        text.push_str(line);
        text.push('\n');
        if let Some(command) = command {
            let (_, switches) = command.split_once("rnetstat ").unwrap();
            text.push_str(&print(switches, None));
        }
    }
    text
}

#[test]
fn the_samples_of_the_readme_are_what_the_program_prints() {
    let (known, found) = (readme(), with_output(&readme()));
    if std::env::var_os(BLESS).is_some() {
        fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"), &found).unwrap();
        return;
    }
    assert_eq!(known, found, "README.md is stale: BLESS=1 cargo test --test pictures");
}

#[test]
fn the_pictures_show_what_the_program_prints() {
    for (file, found) in pictures() {
        let path = folder().join(file);
        if std::env::var_os(BLESS).is_some() {
            fs::create_dir_all(folder()).unwrap();
            fs::write(&path, &found).unwrap();
            continue;
        }
        let known = fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
        assert!(known == found, "{} is stale: BLESS=1 cargo test --test pictures", path.display());
    }
}

#[test]
fn the_readme_shows_every_picture_and_no_other() {
    let readme = readme();
    for (file, _) in pictures() {
        assert!(readme.contains(&format!(".github/assets/{file}")), "{file}");
    }
    for entry in fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(pictures().iter().any(|(file, _)| *file == name), "{name}");
    }
}
