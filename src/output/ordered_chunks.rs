//! Long texts, made in chunks by several threads and written in order.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// How many items make a chunk: enough text that passing it on does not count, little enough to stay in the cache.
const CHUNK: usize = 1024;
/// From this many items on threads save more than their start costs.
const WORTH_THREADS: usize = 16 * CHUNK;
/// More threads than this wait for each other.
const MAX_THREADS: usize = 4;
/// How many chunks a thread may be ahead of the writer.
const AHEAD: usize = 2;

/// Writes the text of all items, in their order: `write` makes the text of some of them, `flush` writes it out and empties the
/// buffer. What is in `out` before is written first. A bounded number of chunks is made ahead of the flushes.
pub fn write_in_order<Item: Sync>(
    out: &mut Vec<u8>,
    items: &[Item],
    write: impl Fn(&mut Vec<u8>, &[Item]) + Sync,
    mut flush: impl FnMut(&mut Vec<u8>) -> io::Result<()>,
) -> io::Result<()> {
    let threads = match items.len() {
        ..WORTH_THREADS => 1,
        _ => std::thread::available_parallelism().map_or(1, |cores| cores.get().min(MAX_THREADS)),
    };
    if threads > 1 {
        flush(out)?;
    }
    std::thread::scope(|scope| {
        let mut workers: Vec<Receiver<Vec<u8>>> = Vec::new();
        for first in 1..threads {
            let (sender, receiver) = sync_channel(AHEAD);
            let chunks = items.chunks(CHUNK).skip(first).step_by(threads);
            let write = &write;
            if std::thread::Builder::new().spawn_scoped(scope, move || make_chunks(chunks, write, &sender)).is_err() {
                break;
            }
            workers.push(receiver);
        }
        for (position, chunk) in items.chunks(CHUNK).enumerate() {
            // A chunk whose thread could not be started is made here.
            let made = (position % threads).checked_sub(1).and_then(|worker| workers.get(worker)?.recv().ok());
            if let Some(mut text) = made {
                flush(&mut text)?;
            } else {
                write(out, chunk);
                flush(out)?;
            }
        }
        flush(out)
    })
}

/// Makes chunks until the writer has given up.
fn make_chunks<'a, Item: 'a>(
    chunks: impl Iterator<Item = &'a [Item]>,
    write: impl Fn(&mut Vec<u8>, &[Item]),
    sender: &SyncSender<Vec<u8>>,
) {
    let mut size = 0;
    for chunk in chunks {
        let mut text = Vec::with_capacity(size);
        write(&mut text, chunk);
        size = size.max(text.len());
        if sender.send(text).is_err() {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(out: &mut Vec<u8>, items: &[u32]) {
        for item in items {
            out.extend(format!("{item}\n").into_bytes());
        }
    }

    fn written(count: u32) -> String {
        let items: Vec<u32> = (0..count).collect();
        let (mut out, mut text) = (b"heading\n".to_vec(), Vec::new());
        write_in_order(&mut out, &items, write, |chunk| {
            text.append(chunk);
            Ok(())
        })
        .unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn the_order_is_kept_with_and_without_threads() {
        for count in [0, 1, CHUNK as u32, WORTH_THREADS as u32 - 1, WORTH_THREADS as u32 * 2 + 7] {
            let expected: String = std::iter::once("heading\n".to_owned()).chain((0..count).map(|n| format!("{n}\n"))).collect();
            assert!(written(count) == expected, "{count} items");
        }
    }

    #[test]
    fn nothing_is_written_after_a_failure() {
        let items: Vec<u32> = (0..WORTH_THREADS as u32 * 4).collect();
        let mut flushes = 0;
        let outcome = write_in_order(&mut Vec::new(), &items, write, |_| {
            flushes += 1;
            if flushes == 3 { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(()) }
        });
        assert_eq!(outcome.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        assert_eq!(flushes, 3);
    }
}
