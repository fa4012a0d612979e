//! What `--diff` compares.

use std::path::PathBuf;

/// Two documents, or one and this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diff {
    /// The document of an earlier run.
    pub earlier: Document,
    /// The document that it is compared with; `None` for this moment.
    pub later: Option<Document>,
    /// Whether they may be of two hosts.
    pub other_host: bool,
}

/// Where a document is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Document {
    /// On standard input (`-`).
    Stdin,
    /// In a file.
    File(PathBuf),
}

impl Document {
    /// What it is called in messages.
    pub fn name(&self) -> String {
        match self {
            Self::Stdin => "standard input".to_owned(),
            Self::File(path) => path.display().to_string(),
        }
    }
}
