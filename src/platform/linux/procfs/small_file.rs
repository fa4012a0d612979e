//! Small files of the kernel's: read at once, where the standard library takes nine system calls to guess how long one is.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// Longer than nearly every such file.
const BUFFER: usize = 4096;

/// The content of a file.
pub fn read(path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let mut buffer = [0; BUFFER];
    let mut content = Vec::new();
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(content),
            Ok(length) => content.extend_from_slice(buffer.get(..length).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The same as text; what is not UTF-8 is replaced.
pub fn read_text(path: impl AsRef<Path>) -> io::Result<String> {
    read(path).map(|content| match String::from_utf8(content) {
        Ok(text) => text,
        Err(broken) => String::from_utf8_lossy(broken.as_bytes()).into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_whole_whatever_its_length() {
        let path = std::env::temp_dir().join(format!("rnetstat-small-file-{}", std::process::id()));
        for length in [0, 1, BUFFER, BUFFER + 1, 3 * BUFFER] {
            let content = vec![b'x'; length];
            std::fs::write(&path, &content).unwrap();
            assert_eq!(read(&path).unwrap(), content);
        }
        std::fs::write(&path, b"a\xff").unwrap();
        assert_eq!(read_text(&path).unwrap(), "a\u{fffd}");
        std::fs::remove_file(&path).unwrap();
        assert!(read(&path).is_err());
    }
}
