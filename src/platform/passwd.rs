//! `/etc/passwd` (passwd(5)), read without the system's name service.

/// The id of a user name.
pub fn id_of(text: &str, name: &str) -> Option<u32> {
    // Lines that begin so are none of a user: comments, and those of compat mode (`+::::::`).
    let is_name = !name.is_empty() && !name.starts_with(['+', '-', '#']);
    let mut fields = text.lines().map(|line| line.split(':')).filter(|_| is_name);
    fields.find_map(|mut fields| fields.next().filter(|&known| known == name).and_then(|_| fields.nth(1)?.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEXT: &str =
        "root:x:0:0:root:/root:/bin/bash\n# none:x:5:5::/:\n+nis:x:6:6:::\nbroken\nwww-data:x:33:33::/var/www:\ntoor:x:0:0::/:\n";

    #[test]
    fn a_user_has_a_name_and_a_number() {
        assert_eq!([id_of(TEXT, "www-data"), id_of(TEXT, "toor")], [Some(33), Some(0)]);
        assert_eq!([id_of(TEXT, "+nis"), id_of(TEXT, "broken"), id_of(TEXT, ""), id_of(TEXT, "# none")], [None; 4]);
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_without_panic(text in "([a-z+:0-9]{0,12}\n?){0,5}", name in "[a-z]{0,2}") {
            let _ = id_of(&text, &name);
        }
    }
}
