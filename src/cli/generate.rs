//! The man page and the completions of a shell, from the definition that also parses the command line.

use super::{UsageError, completions};
use clap::{Args, Command};
use clap_complete::Shell;
use std::io;

/// What is printed about the program itself.
#[derive(Args, Debug)]
#[command(next_help_heading = super::headings::ABOUT)]
pub(super) struct PageArguments {
    /// Print the short help, one screen with examples.
    #[arg(short = 'h', overrides_with = "short_help")]
    short_help: bool,

    /// Print this help.
    #[arg(long, action = clap::ArgAction::HelpShort)]
    help: Option<bool>,

    /// Print the version.
    #[arg(short = 'V', long, action = clap::ArgAction::Version)]
    version: Option<bool>,

    /// Print the man page (rnetstat --man | man -l -).
    #[arg(long, overrides_with = "man")]
    man: bool,

    /// Print the completions of a shell.
    #[arg(long, value_name = "SHELL", ignore_case = true, overrides_with = "completions")]
    completions: Option<Shell>,
}

impl PageArguments {
    /// The page that is asked for.
    pub(super) fn text(&self, clap: Command) -> Result<Option<String>, UsageError> {
        let mut page = Vec::new();
        if self.short_help {
            return Ok(Some(SHORT_HELP.to_owned()));
        }
        if self.man {
            write_man(clap, &mut page).map_err(|error| UsageError::see_help(format!("--man: {error}")))?;
        } else if let Some(shell) = self.completions {
            page = completions::script(shell, &clap).into_bytes();
        } else {
            return Ok(None);
        }
        Ok(Some(String::from_utf8_lossy(&page).into_owned()))
    }
}

/// The help that fits on a screen.
const SHORT_HELP: &str = concat!(
    include_str!("short_help.txt"),
    include_str!("examples.txt"),
    "\n--help lists every switch, --man prints the man page.\n"
);

/// What the man page has beside the switches.
const MAN_SECTIONS: &str = include_str!("man_sections.roff");

fn write_man(clap: Command, page: &mut Vec<u8>) -> io::Result<()> {
    clap_mangen::Man::new(clap).section("1").manual("rnetstat").render(page)?;
    page.extend_from_slice(MAN_SECTIONS.as_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::cli::{self, Arguments, Command};
    use clap::CommandFactory;

    fn page(switch: &str) -> String {
        match cli::parse(switch.split(' ').map(Into::into)) {
            Ok(Command::Print(text)) => text,
            other => panic!("{switch}: {other:?}"),
        }
    }

    fn switches() -> Vec<String> {
        let clap = Arguments::command();
        let shown = clap.get_arguments().filter(|arg| !arg.is_hide_set());
        shown.filter_map(|arg| arg.get_long()).map(|long| format!("--{long}")).collect()
    }

    #[test]
    fn the_help_has_every_switch_and_fits_eighty_columns() {
        let help = page("--help");
        for switch in switches() {
            assert!(help.contains(&switch), "{switch}");
        }
        let wide: Vec<&str> = help.lines().filter(|line| line.chars().count() > 80).collect();
        assert!(wide.is_empty(), "{wide:?}");
        assert!(!help.contains("Options:"), "a switch without a heading of its own");
    }

    #[test]
    fn the_short_help_is_one_screen_and_its_examples_are_understood() {
        let help = page("-h");
        assert!(help.lines().count() <= 24 && help.lines().all(|line| line.chars().count() <= 80), "{help}");
        let (_, examples) = help.split_once("Examples:\n").unwrap();
        let examples: Vec<&str> = examples.lines().take_while(|line| !line.is_empty()).collect();
        assert_eq!(examples.len(), 8);
        assert!(page("--help").ends_with(include_str!("examples.txt")), "the same examples");
        for example in examples {
            let (_, line) = example.split_once("rnetstat ").unwrap();
            let line = line.split(" | ").next().unwrap().split("  ").next().unwrap().replace('\'', "");
            let words = line.split_whitespace().take_while(|word| *word != "again");
            assert!(matches!(cli::parse(words.map(Into::into)), Ok(Command::Run(_))), "{example}");
        }
    }

    #[test]
    fn the_man_page_has_its_sections() {
        let man = page("--man");
        for section in [
            "EXAMPLES",
            "\"LIVE SCREEN\"",
            "NET\\-TOOLS",
            "EVENTS",
            "\"ENDING PROCESSES AND CLOSING SOCKETS\"",
            "\"EXIT STATUS\"",
            "ENVIRONMENT",
            "FILES",
            "\"SEE ALSO\"",
        ] {
            assert!(man.contains(&format!("\n.SH {section}\n")), "{section}");
        }
    }

    #[test]
    fn the_man_page_has_every_switch() {
        let man = page("--man").replace("\\-", "-");
        assert!(man.contains(".TH rnetstat 1"));
        for switch in switches() {
            assert!(man.contains(&switch), "{switch}");
        }
    }

    #[test]
    fn every_shell_gets_every_switch() {
        for shell in ["bash", "zsh", "fish", "elvish", "powershell", "BASH"] {
            let completions = page(&format!("--completions {shell}"));
            for switch in switches() {
                assert!(completions.contains(&switch[2..]), "{shell} {switch}");
            }
        }
        let error = cli::parse(["--completions", "cmd"].map(Into::into)).unwrap_err();
        assert_eq!(error.sentence, "invalid value 'cmd' for --completions: expected bash, elvish, fish, powershell or zsh");
    }
}
