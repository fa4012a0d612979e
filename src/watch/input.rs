//! What reaches the screen from outside: keys, signals, and the sockets that were read.

use super::keys::Key;
use super::terminal::give_back;
use crate::model::owners::OwnerSearch;
use crate::model::snapshot::Snapshot;
use crate::platform::{self, TerminalSignal};
use crate::request::Query;
use anyhow::Context;
use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::Builder;

/// Something that happened.
#[derive(Debug)]
pub enum Input {
    /// A key was pressed.
    Key(Key),
    /// The terminal has another size.
    Resized,
    /// The terminal is gone.
    Closed,
    /// This process is to stop.
    Stop,
    /// It was continued.
    Continued,
    /// The sockets were read.
    Snapshot(Box<Snapshot>),
    /// What was to be done is done: what became of it, line by line.
    Acted(Vec<String>),
}

/// What is read.
#[derive(Clone, Debug)]
pub struct Job {
    /// Which sockets.
    pub query: Query,
    /// How far their owners are searched for.
    pub owners: OwnerSearch,
}

/// The threads that wait for keys, for signals and for the system.
#[derive(Debug)]
pub struct Inputs {
    /// What happened.
    pub received: Receiver<Input>,
    jobs: Sender<Job>,
    acted: Sender<Input>,
}

impl Inputs {
    /// Starts them.
    pub fn start() -> anyhow::Result<Self> {
        let (sender, received) = mpsc::channel();
        let (jobs, wanted) = mpsc::channel::<Job>();
        let signals = sender.clone();
        platform::watch_terminal_signals(move |signal| {
            // A receiver that is gone has ended the screen.
            let _ = match signal {
                TerminalSignal::End => return give_back(),
                TerminalSignal::Stop => signals.send(Input::Stop),
                TerminalSignal::Continue => signals.send(Input::Continued),
            };
        })
        .context("signals cannot be watched for")?;
        let (keys, acted) = (sender.clone(), sender.clone());
        Builder::new().name("keys".to_owned()).spawn(move || send_keys(&keys)).context("no thread for the keys")?;
        let read = move || {
            for Job { query, owners } in wanted {
                let snapshot = platform::snapshot(&query, owners);
                if sender.send(Input::Snapshot(Box::new(snapshot))).is_err() {
                    break;
                }
            }
        };
        Builder::new().name("reader".to_owned()).spawn(read).context("no thread to read the sockets")?;
        Ok(Self { received, jobs, acted })
    }

    /// Reads sockets; they come as an input.
    pub fn read(&self, job: Job) -> anyhow::Result<()> {
        self.jobs.send(job).context("the thread that reads the sockets has ended")
    }
}

impl Inputs {
    /// Does something on a thread of its own; what it returns comes as an input.
    pub fn act(&self, act: impl FnOnce() -> Vec<String> + Send + 'static) -> anyhow::Result<()> {
        let acted = self.acted.clone();
        let act = move || {
            // A receiver that is gone has ended the screen.
            let _ = acted.send(Input::Acted(act()));
        };
        Builder::new().name("action".to_owned()).spawn(act).context("no thread to act on")?;
        Ok(())
    }
}

fn send_keys(keys: &Sender<Input>) {
    loop {
        let input = match event::read() {
            Ok(Event::Key(key)) => key_of(key).map(Input::Key),
            Ok(Event::Resize(..)) => Some(Input::Resized),
            Ok(Event::FocusGained | Event::FocusLost | Event::Mouse(_) | Event::Paste(_)) => None,
            Err(_) => {
                let _ = keys.send(Input::Closed);
                return;
            }
        };
        if input.is_some_and(|input| keys.send(input).is_err()) {
            return;
        }
    }
}

/// The key of an event; `None` for keys that nothing is done for.
fn key_of(event: KeyEvent) -> Option<Key> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    Some(match event.code {
        KeyCode::Char(character) if event.modifiers.contains(KeyModifiers::CONTROL) => {
            Key::Control(character.to_ascii_lowercase())
        }
        KeyCode::Char(character) => Key::Char(character),
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Escape,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Delete => Key::Delete,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        _ => return None,
    })
}
