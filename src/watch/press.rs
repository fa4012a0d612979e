//! What the keys do to the state of the screen.

use super::act::Question;
use super::choice::Choice;
use super::keys::{Command, Key, Step};
use super::listing::{Anchors, Line};
use super::model::Model;
use super::pane::{Pane, Subject};
use super::prompt::Prompt;
use crate::cli::{FilterLine, parse_filter};
use crate::model::action::Action;
use crate::reports::sockets::grid::Widths;
use crate::request::Names;
use std::path::PathBuf;
use std::time::Duration;

/// The intervals that the keys choose among, in milliseconds.
const INTERVALS: [u64; 10] = [200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000, 600_000, 3_600_000];

/// What a key asks of the program beside another state of the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// To end.
    Quit,
    /// To stop until the shell continues it.
    Stop,
    /// To read now.
    Read,
    /// To write what is seen to a file; over one that exists only if that was agreed to.
    Write {
        /// The file.
        path: PathBuf,
        /// Whether it may be replaced.
        replaces: bool,
    },
    /// To ask whether something is to be done with the selected row.
    Ask(Action),
    /// To do what was agreed to.
    Act(Question),
}

/// What the keys are for.
#[derive(Clone, Debug, Default)]
pub enum Mode {
    /// The list.
    #[default]
    List,
    /// The filter line.
    Filter {
        /// What is typed.
        prompt: Prompt,
        /// What was chosen before.
        before: Box<(String, FilterLine)>,
        /// What is wrong with it.
        error: Option<String>,
    },
    /// The name of a file to write.
    File(Prompt),
    /// The question whether a file may be replaced.
    Replace(PathBuf),
    /// The question whether something is to be done.
    Act(Box<Question>),
    /// The keys.
    Help,
}

impl Model {
    /// Takes a key.
    pub fn press(&mut self, key: Key) -> Option<Effect> {
        self.message = None;
        match key {
            Key::Control('c') => return Some(Effect::Quit),
            Key::Control('z') => return Some(Effect::Stop),
            _ => {}
        }
        match std::mem::take(&mut self.mode) {
            Mode::List => self.command(Command::of(key)?),
            Mode::Help => (key == Key::Char('q')).then_some(Effect::Quit),
            Mode::Filter { prompt, before, .. } => self.press_in_filter(key, prompt, before),
            Mode::File(prompt) => self.press_in_file(key, prompt),
            Mode::Act(question) => match key {
                Key::Char('y' | 'Y') => Some(Effect::Act(*question)),
                _ => {
                    self.message = Some("nothing was done".to_owned());
                    None
                }
            },
            Mode::Replace(path) => match key {
                Key::Char('y' | 'Y') => Some(Effect::Write { path, replaces: true }),
                _ => {
                    self.message = Some("nothing was written".to_owned());
                    None
                }
            },
        }
    }

    fn press_in_filter(&mut self, key: Key, mut prompt: Prompt, before: Box<(String, FilterLine)>) -> Option<Effect> {
        if key == Key::Escape {
            (self.choice.text, self.choice.line) = *before;
            self.changed();
            return Some(Effect::Read);
        }
        let has_changed = prompt.take(key);
        let text = prompt.text();
        match parse_filter(&text) {
            Ok(_) if key == Key::Enter => Some(Effect::Read),
            Ok(line) => {
                if has_changed {
                    (self.choice.text, self.choice.line) = (text, line);
                    self.changed();
                }
                self.mode = Mode::Filter { prompt, before, error: None };
                None
            }
            Err(error) => {
                self.mode = Mode::Filter { prompt, before, error: Some(error.sentence) };
                None
            }
        }
    }

    fn press_in_file(&mut self, key: Key, mut prompt: Prompt) -> Option<Effect> {
        match key {
            Key::Escape => return None,
            Key::Enter => {
                let name = prompt.text();
                return (!name.is_empty()).then(|| Effect::Write { path: name.into(), replaces: false });
            }
            _ => {}
        }
        prompt.take(key);
        self.mode = Mode::File(prompt);
        None
    }

    fn command(&mut self, command: Command) -> Option<Effect> {
        match command {
            Command::Quit => return Some(Effect::Quit),
            Command::Stop => return Some(Effect::Stop),
            Command::Select(step) => self.step(step),
            Command::Filter => {
                let Choice { text, line, .. } = &self.choice;
                let before = Box::new((text.clone(), line.clone()));
                self.mode = Mode::Filter { prompt: Prompt::new(text), before, error: None };
            }
            Command::Back => self.back(),
            Command::NextSort => {
                let columns = self.fit().columns().to_vec();
                self.order.next(&columns);
                self.changed();
            }
            Command::Reverse => {
                self.order.reverse();
                self.changed();
            }
            Command::SortBy(number) => {
                let columns = self.fit().columns().to_vec();
                match self.order.by(number, &columns) {
                    true => self.changed(),
                    false => self.message = Some(format!("there is no column {number} with an order")),
                }
            }
            Command::Show(shown) => {
                self.choice.shown = shown;
                self.changed();
            }
            Command::Protocol(protocol) => {
                self.choice.protocol = Some(protocol).filter(|_| self.choice.protocol != Some(protocol));
                self.changed();
            }
            Command::Family(family) => {
                self.choice.family = Some(family).filter(|_| self.choice.family != Some(family));
                self.changed();
            }
            Command::Details => return self.details(),
            Command::Explain => return self.toggle_pane(Subject::Explanation),
            Command::Follow => self.follow(),
            Command::Pause => {
                self.is_paused = !self.is_paused;
                return (!self.is_paused).then_some(Effect::Read);
            }
            Command::Names => {
                self.names = match (self.names, self.request.names) {
                    (Names::Resolved { .. }, _) => Names::Numeric,
                    (Names::Numeric, asked @ Names::Resolved { .. }) => asked,
                    (Names::Numeric, Names::Numeric) => Names::Resolved { qualified: false },
                };
                if self.names == Names::Numeric
                    && let Some(moment) = &mut self.moment
                {
                    moment.lookups.hosts = None;
                }
                self.forget_widths();
            }
            Command::Faster => self.interval = self.other_interval(|interval, now| interval < now),
            Command::Slower => self.interval = self.other_interval(|interval, now| interval > now),
            Command::Group => {
                self.grouping = self.grouping.next();
                self.changed();
            }
            Command::Act(action) => return Some(Effect::Ask(action)),
            Command::Write => self.mode = Mode::File(Prompt::default()),
            Command::Help => self.mode = Mode::Help,
        }
        None
    }

    /// Another choice or order: rows that are gone have no place in it.
    fn changed(&mut self) {
        self.gone.forget();
        self.anchors = Anchors::default();
        self.is_arranged = false;
        self.forget_widths();
    }

    pub(super) fn forget_widths(&mut self) {
        self.widths = Widths::of_headings(&self.request.columns, Some(self.request.language));
    }

    fn step(&mut self, step: Step) {
        let page = self.rows_on_screen().max(1);
        if let Some(pane) = &mut self.pane {
            match step {
                Step::PageUp => return pane.scroll_up(),
                Step::PageDown => return pane.scroll_down(),
                Step::Up | Step::Down | Step::First | Step::Last => pane.forget(),
            }
        }
        self.select(match step {
            Step::Up => self.at.saturating_sub(1),
            Step::Down => self.at + 1,
            Step::PageUp => self.at.saturating_sub(page),
            Step::PageDown => self.at + page,
            Step::First => 0,
            Step::Last => usize::MAX,
        });
    }

    fn back(&mut self) {
        if self.pane.take().is_some() {
            self.select(self.at);
        } else if self.choice.followed.take().is_some() {
            self.changed();
        } else if !self.choice.text.is_empty() {
            (self.choice.text, self.choice.line) = (String::new(), FilterLine::default());
            self.changed();
        }
    }

    fn details(&mut self) -> Option<Effect> {
        let group = match self.listing.lines.get(self.at) {
            Some(&Line::Group(number)) => self.listing.groups.get(number as usize).map(|group| group.key),
            Some(Line::Row(_) | Line::Gone(_)) | None => None,
        };
        let Some(key) = group else { return self.toggle_pane(Subject::Details) };
        if !self.open.remove(&key) {
            self.open.insert(key);
        }
        self.is_arranged = false;
        None
    }

    fn toggle_pane(&mut self, subject: Subject) -> Option<Effect> {
        let is_open = self.pane.as_ref().is_some_and(|pane| pane.subject == subject);
        self.pane = (!is_open).then(|| Pane::new(subject));
        self.select(self.at);
        None
    }

    fn follow(&mut self) {
        let pid = self.selected_row().and_then(|row| row.owners().lowest());
        match (self.choice.followed, pid) {
            (Some(_), _) => self.choice.followed = None,
            (None, Some(pid)) => self.choice.followed = Some(pid),
            (None, None) => {
                self.message = Some("no process is known that owns this socket".to_owned());
                return;
            }
        }
        self.changed();
    }

    fn other_interval(&self, is_wanted: impl Fn(Duration, Duration) -> bool) -> Duration {
        let intervals = INTERVALS.map(Duration::from_millis);
        let wanted = intervals.into_iter().filter(|&interval| is_wanted(interval, self.interval));
        wanted.min_by_key(|interval| interval.abs_diff(self.interval)).unwrap_or(self.interval)
    }
}
