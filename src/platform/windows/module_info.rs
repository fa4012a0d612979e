//! What `GetOwnerModuleFromTcpEntry` and its sisters answer (`TCPIP_OWNER_MODULE_BASIC_INFO`): two pointers, to the name of the
//! module and to its path, which lie behind them in the same buffer.

/// The module of a process that made a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// Its name: that of a service, or that of the program itself.
    pub name: String,
    /// The path of its file; empty if the system does not give it.
    pub path: String,
}

impl Module {
    /// The module of an answer; `None` if it holds no name. `start` is the address of the buffer when it was filled in.
    pub fn parse(buffer: &[u8], start: usize) -> Option<Self> {
        let (pointers, _) = buffer.as_chunks::<{ size_of::<usize>() }>();
        let text = |pointer: usize| text_at(buffer, usize::from_le_bytes(*pointers.get(pointer)?).checked_sub(start)?);
        let name = text(0).filter(|name| !name.is_empty())?;
        Some(Self { name, path: text(1).unwrap_or_default() })
    }

    /// The name of the service that the module is; `None` if it is the program of the process itself: if it has the name of
    /// `program`, the file name of the process' executable, or of its own file, or if it is the kernel (`System`).
    pub fn into_service(self, program: Option<&str>) -> Option<String> {
        let file = self.path.rsplit(['\\', '/']).next().unwrap_or_default();
        let is_named = |file: &str| {
            let stem = file.rsplit_once('.').filter(|(_, ending)| ending.eq_ignore_ascii_case("exe")).map(|(stem, _)| stem);
            [Some(file), stem].into_iter().flatten().any(|name| name.to_lowercase() == self.name.to_lowercase())
        };
        let is_program = is_named("System") || is_named(file) || program.is_some_and(is_named);
        (!is_program).then_some(self.name)
    }
}

/// The text that begins at an offset and ends with a NUL, or with the buffer.
fn text_at(buffer: &[u8], offset: usize) -> Option<String> {
    let (units, _) = buffer.get(offset..)?.as_chunks();
    let units: Vec<u16> = units.iter().map(|&unit| u16::from_le_bytes(unit)).take_while(|&unit| unit != 0).collect();
    Some(String::from_utf16_lossy(&units))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const START: usize = 0x7f00_1000;

    /// A buffer as the system fills it in, with its name at an offset and the path behind it.
    fn answer(name: &str, path: &str, offset: usize) -> Vec<u8> {
        let units = |text: &str| text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        let (name, path) = (units(name), units(path));
        let pointers = [START + offset, START + offset + name.len()];
        let mut buffer: Vec<u8> = pointers.into_iter().flat_map(usize::to_le_bytes).collect();
        buffer.resize(offset.clamp(16, 64), 0xff);
        buffer.extend([name, path].concat());
        buffer
    }

    fn service(name: &str, path: &str, program: Option<&str>) -> Option<String> {
        Module::parse(&answer(name, path, 16), START)?.into_service(program)
    }

    #[test]
    fn a_service_is_named_and_a_program_is_no_service() {
        let svchost = Some("svchost.exe");
        assert_eq!(service("Dnscache", r"C:\Windows\system32\svchost.exe", svchost).as_deref(), Some("Dnscache"));
        assert_eq!(service("웹", "", None).as_deref(), Some("웹"));
        assert_eq!(service("Firefox.EXE", r"C:\firefox.exe", None), None);
        assert_eq!(service("firefox.exe", "", Some("Firefox.exe")), None);
        assert_eq!(service("spoolsv", "", Some("spoolsv.exe")), None);
        assert_eq!(service("", "", None), None);
    }

    #[test]
    fn the_kernel_and_images_without_an_ending_are_no_services() {
        assert_eq!(service("System", "", None), None);
        assert_eq!(service("vmmem", "vmmem", None), None);
        assert_eq!(service("Registry", "", Some("Registry")), None);
    }

    #[test]
    fn a_pointer_out_of_the_buffer_is_no_name() {
        assert_eq!(Module::parse(&answer("Dnscache", "", 4096), START), None);
        assert_eq!(Module::parse(&answer("Dnscache", "", 16), START + 17), None);
        assert_eq!(Module::parse(&[1, 2, 3], START), None);
        assert_eq!(Module::parse(&[0; 16], START), None);
    }

    #[test]
    fn a_name_without_an_end_ends_with_the_buffer() {
        let buffer = answer("Dnscache", "", 16);
        assert_eq!(Module::parse(&buffer[..16 + 7], START).unwrap().name, "Dns");
    }

    proptest! {
        #[test]
        fn no_bytes_bring_it_down(bytes in prop::collection::vec(any::<u8>(), 0..200), start in 0usize..300) {
            let mut buffer = bytes;
            if let Some(pointer) = buffer.first_chunk_mut() {
                *pointer = (START + start).to_le_bytes();
            }
            let _ = Module::parse(&buffer, START);
        }
    }
}
