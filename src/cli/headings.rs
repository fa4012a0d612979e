//! The headings of the switches in the help, in the order in which the help has them.

/// What is shown.
pub(super) const SHOW: &str = "Show";
/// Which rows, and where they come from.
pub(super) const ROWS: &str = "Rows (A,B: either; !A: not A; different switches: all must hold)";
/// Questions about sockets.
pub(super) const ASK: &str = "Ask";
/// What changes the system.
pub(super) const ACT: &str = "Act on the rows (a question is asked first)";
/// How the answer is written.
pub(super) const OUTPUT: &str = "Output";
/// In which order.
pub(super) const ORDER: &str = "Order";
/// Names, language and repetition.
pub(super) const REPETITION: &str = "Names and repetition";
/// The switches of net-tools.
pub(super) const NET_TOOLS: &str = "net-tools compatibility";
/// The program itself.
pub(super) const ABOUT: &str = "About";
