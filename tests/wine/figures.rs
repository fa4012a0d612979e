//! Compares the figures of both builds. Even an own network namespace has traffic: a figure of the Windows build has to lie
//! between those of the Linux build before and after it.

use std::process::{Command, Stdio};

/// What the Linux build prints.
pub fn linux(switches: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rnetstat"));
    let output = command.args(switches.split(' ')).stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{switches}");
    String::from_utf8(output.stdout).unwrap()
}

/// Figures that Wine has wrong: the section, how the line begins (empty: every line), and which figure of it.
pub type Wrong<'a> = (&'a str, &'a str, usize);

/// Compares line by line.
pub fn assert_between(before: &str, between: &str, after: &str, wrong: &[Wrong<'_>]) {
    let lines = [before, between, after].map(|text| text.lines().collect::<Vec<_>>());
    assert_eq!(lines[0].len(), lines[1].len(), "{before}\n{between}");
    assert_eq!(lines[0].len(), lines[2].len(), "{before}\n{after}");
    let mut section = "";
    for ((before, line), after) in lines[0].iter().zip(&lines[1]).zip(&lines[2]) {
        if line.contains("Statistics") {
            section = line;
        }
        let is_wrong = |figure: usize| {
            wrong.iter().any(|&(name, label, place)| name == section && line.trim_start().starts_with(label) && place == figure)
        };
        let figures = |text: &str| -> Vec<u64> { text.split_ascii_whitespace().filter_map(|word| word.parse().ok()).collect() };
        let words =
            |text: &str| -> String { text.split_ascii_whitespace().filter(|word| word.parse::<u64>().is_err()).collect() };
        assert_eq!(words(line), words(before), "{section}");
        let (low, figure, high) = (figures(before), figures(line), figures(after));
        assert_eq!(low.len(), figure.len(), "{section}: {line}");
        for column in (0..figure.len()).filter(|&column| !is_wrong(column)) {
            let range = low[column]..=high[column];
            assert!(range.contains(&figure[column]), "{section}: '{line}' of Windows is not within {range:?}");
        }
    }
}
