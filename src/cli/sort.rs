//! The switch that orders rows.

use super::UsageError;
use crate::order::keys::SortKey;
use clap::Args;

/// The order of the rows.
#[derive(Args, Debug)]
#[command(next_help_heading = super::headings::ORDER)]
pub(super) struct SortArguments {
    /// Sort by these columns, as --columns names them: local_port, pid, process, user, receive_queue; '-' before a name
    /// reverses it. The next column decides between rows that are equal; Windows' order in the end.
    #[arg(long, value_name = "KEYS", value_delimiter = ',', allow_hyphen_values = true)]
    pub sort: Vec<String>,
}

impl SortArguments {
    /// The keys, the first one first.
    pub(super) fn keys(&self) -> Result<Vec<SortKey>, UsageError> {
        let key = |word: &String| {
            word.parse().map_err(|error| {
                let known = SortKey::names().collect::<Vec<_>>().join(", ");
                let sentence = super::invalid_value(word, "--sort", &format!("{error}"));
                UsageError::new(sentence, format!("Columns: {known}. '-' before one reverses it."))
            })
        };
        self.sort.iter().map(key).collect()
    }
}
