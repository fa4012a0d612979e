//! The live screen (`--watch`): moments, one after another, as a list that keys choose from.
//!
//! Most files are pure. `input.rs` has the threads that wait for keys, signals and the system; `inspect.rs` reads what a pane
//! shows; `file.rs` writes a file; `act.rs` ends processes and closes sockets after a question; `terminal.rs`
//! takes and gives back the terminal, `screen.rs` draws and is the only file that knows ratatui. The loop here connects them
//! with the `model::Model`, which changes with keys and moments, and with the [`Reader`], which looks up what is seen.

mod act;
mod choice;
mod counts;
mod fields;
mod file;
mod frame;
mod gone;
mod groups;
mod head;
mod input;
mod inspect;
mod keys;
mod listing;
mod marks;
mod model;
mod order;
mod pane;
mod press;
mod prompt;
mod screen;
mod styled;
pub mod terminal;
#[cfg(test)]
mod tests;

use crate::app::{Exit, Reader};
use crate::model::owners::OwnerSearch;
use crate::output::color;
use crate::platform;
use crate::request::{Names, Request, View};
use anyhow::Context;
use frame::frame;
use input::{Input, Inputs, Job};
use model::Model;
use pane::Subject;
use press::Effect;
use screen::Screen;
use std::io::{self, IsTerminal};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};
use terminal::TakenTerminal;

const DRAWING: &str = "the screen cannot be drawn";

/// Shows the sockets until the user ends it.
pub fn watch(request: &Request) -> anyhow::Result<Exit> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        anyhow::bail!(
            "--watch needs a terminal for its keys and its screen; 'rnetstat -an 2' prints again every 2 seconds, --events prints \
             what changes"
        );
    }
    let has_color = color::is_wanted(request.output.color);
    crossterm::style::force_color_output(has_color);
    let _terminal = TakenTerminal::take().context(DRAWING)?;
    let screen = Screen::of_stdout(has_color).context(DRAWING)?;
    let model = Model::new(request, screen.size().context(DRAWING)?);
    let (reader, inspector) = (Reader::of_process(request), Reader::of_process(request));
    let watch = Watch { reader, inspector, is_inspected: false, inputs: Inputs::start()?, screen, model };
    watch.run()
}

/// A screen with all that it needs.
struct Watch {
    reader: Reader,
    /// Reads what the pane shows.
    inspector: Reader,
    /// Whether the pane shows what this moment has.
    is_inspected: bool,
    inputs: Inputs,
    screen: Screen,
    model: Model,
}

/// Whether the sockets are being read, and when they are read next.
#[derive(Clone, Copy, Debug)]
enum Reading {
    /// Since then.
    Since(Instant),
    /// From then on.
    From(Instant),
}

impl Reading {
    /// Now, if it is not being done.
    fn hasten(&mut self) {
        if let Self::From(time) = self {
            *time = Instant::now();
        }
    }
}

impl Watch {
    fn run(mut self) -> anyhow::Result<Exit> {
        let mut reading = Reading::From(Instant::now());
        self.draw()?;
        loop {
            let now = Instant::now();
            if let Reading::From(time) = reading
                && time <= now
                && !self.model.is_paused
            {
                self.inputs.read(self.job())?;
                reading = Reading::Since(now);
            }
            let mut input = match self.inputs.received.recv_timeout(self.pause(reading, now)) {
                Ok(input) => Some(input),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return Ok(Exit::Done),
            };
            // All that has happened is drawn at once.
            while let Some(happened) = input {
                match happened {
                    Input::Key(key) => match self.model.press(key) {
                        Some(Effect::Quit) => return Ok(Exit::Done),
                        Some(Effect::Read) => reading.hasten(),
                        Some(Effect::Stop) => platform::ask_job_to_stop(),
                        Some(Effect::Write { path, replaces }) => file::write(&mut self.model, &mut self.reader, &path, replaces),
                        Some(Effect::Ask(action)) => act::ask(&mut self.model, &mut self.reader, action),
                        Some(Effect::Act(question)) => act::start(&mut self.model, &self.inputs, question),
                        None => {}
                    },
                    Input::Resized => {}
                    Input::Closed => return Ok(Exit::Done),
                    Input::Stop => {
                        terminal::give_back();
                        platform::stop();
                        self.take_again()?;
                    }
                    Input::Continued => self.take_again()?,
                    Input::Acted(lines) => {
                        self.model.message = Some(lines.join("; "));
                        reading.hasten();
                    }
                    Input::Snapshot(snapshot) => {
                        let arrived = Instant::now();
                        let mut moment = self.reader.moment_of(*snapshot, &self.model.reading());
                        if self.model.wants_findings(arrived) {
                            self.reader.find(&mut moment);
                        }
                        self.model.take_moment(moment, arrived);
                        self.is_inspected = false;
                        if let Reading::Since(began) = reading {
                            // A system that takes long to read is not read all the time.
                            let pause = self.model.interval.max((arrived - began) * 2);
                            reading = Reading::From(began + pause);
                        }
                    }
                }
                input = self.inputs.received.try_recv().ok();
            }
            self.draw()?;
        }
    }

    /// What is read for the screen.
    fn job(&self) -> Job {
        let request = self.model.reading();
        let query = request.sockets_to_read(platform::SYSTEM).unwrap_or_else(|| request.query.clone());
        Job { query, owners: OwnerSearch::All }
    }

    /// How long nothing happens by itself.
    fn pause(&self, reading: Reading, now: Instant) -> Duration {
        const LONG: Duration = Duration::from_hours(1);
        let next_read = match reading {
            Reading::From(time) if !self.model.is_paused => Some(time),
            Reading::From(_) | Reading::Since(_) => None,
        };
        let next = next_read.into_iter().chain(self.model.next_change(now)).min();
        next.map_or(LONG, |next| next.saturating_duration_since(now))
    }

    fn take_again(&mut self) -> anyhow::Result<()> {
        terminal::take().and_then(|()| self.screen.forget()).context(DRAWING)
    }

    /// Arranges the lines, looks up what is seen, and draws it.
    fn draw(&mut self) -> anyhow::Result<()> {
        let now = Instant::now();
        let Self { reader, inspector, is_inspected, screen, model, .. } = self;
        model.resize(screen.size().context(DRAWING)?);
        model.expire(now);
        if let Some(needs) = model.needs_of_all_rows() {
            if let Some(moment) = &mut model.moment {
                let rows = moment.rows(View::Sockets).positions().to_vec();
                reader.look_up_rows(moment, &rows, needs, Names::Numeric);
            }
            model.arrange();
        }
        let (rows, needs, names) = (model.visible_rows(), model.needs_of_visible_rows(), model.names);
        if let Some(moment) = &mut model.moment {
            reader.look_up_rows(moment, &rows, needs, names);
        }
        if !std::mem::replace(is_inspected, true) || model.pane.as_ref().is_some_and(|pane| pane.of.is_none()) {
            inspect(model, inspector);
        }
        screen.draw(&frame(model, now)).context(DRAWING)
    }
}

/// Fills the pane, if one is open.
fn inspect(model: &mut Model, reader: &mut Reader) {
    let Some(subject) = model.pane.as_ref().map(|pane| pane.subject) else { return };
    let (key, lines) = match model.selected_row() {
        None => (None, Vec::new()),
        Some(row) => {
            let lines = match subject {
                Subject::Details => inspect::details(reader, &model.request, row),
                Subject::Explanation => inspect::explanation(reader, &model.request, row, model.size.0),
            };
            (Some(row.key()), lines)
        }
    };
    if let Some(pane) = &mut model.pane {
        pane.fill(key, lines);
    }
}
