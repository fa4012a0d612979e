//! What `GetOwnerModuleFromTcpEntry` and its sisters tell (`TCPIP_OWNER_MODULE_BASIC_INFO`): two pointers, to the name of the
//! module and to its path, which lie behind them in the same buffer.

/// The name of a service; `None` where the module is the program itself, or where the buffer holds no name.
///
/// `start` is the address at which the buffer was when it was filled.
pub fn service(buffer: &[u8], start: usize) -> Option<String> {
    let address = usize::from_le_bytes(*buffer.first_chunk()?);
    let offset = address.checked_sub(start)?;
    let units = buffer.get(offset..)?.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
    let name: Vec<u16> = units.take_while(|&unit| unit != 0).collect();
    let name = String::from_utf16_lossy(&name);
    let is_program = name.to_ascii_lowercase().ends_with(".exe");
    (!name.is_empty() && !is_program).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: usize = 0x7f00_1000;

    /// A buffer as the system fills it, with its name at an offset.
    fn told(name: &str, offset: usize) -> Vec<u8> {
        let mut buffer = (START + offset).to_le_bytes().to_vec();
        buffer.resize(offset.clamp(16, 64), 0xff);
        buffer.extend(name.encode_utf16().chain([0, 0x41]).flat_map(u16::to_le_bytes));
        buffer
    }

    #[test]
    fn a_service_has_its_name_and_a_program_is_no_service() {
        assert_eq!(service(&told("Dnscache", 16), START).as_deref(), Some("Dnscache"));
        assert_eq!(service(&told("웹", 20), START).as_deref(), Some("웹"));
        assert_eq!(service(&told("Firefox.EXE", 16), START), None);
        assert_eq!(service(&told("", 16), START), None);
    }

    #[test]
    fn a_pointer_out_of_the_buffer_is_no_name() {
        assert_eq!(service(&told("Dnscache", 4096), START), None);
        assert_eq!(service(&told("Dnscache", 16), START + 17), None);
        assert_eq!(service(&[1, 2, 3], START), None);
        assert_eq!(service(&[0; 16], START), None);
    }

    #[test]
    fn a_name_without_an_end_ends_with_the_buffer() {
        let buffer = told("Dnscache", 16);
        assert_eq!(service(&buffer[..16 + 7], START).as_deref(), Some("Dns"));
    }
}
