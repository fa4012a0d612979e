//! The IPv4 routes that Windows sets up again whenever it starts, as its registry keeps them.

use crate::model::route::PersistentRoute;

/// The route that the name of a registry value describes: `network,mask,gateway,metric`, a metric of -1 for Windows' choice.
/// `None` where it describes no route.
pub fn parse(name: &str) -> Option<PersistentRoute> {
    let mut fields = name.split(',');
    let mut next = || fields.next();
    let (destination, mask, gateway) =
        (next()?.parse().ok()?, next()?.parse::<std::net::Ipv4Addr>().ok()?, next()?.parse().ok()?);
    let metric = match next()?.parse::<i64>().ok()? {
        -1 => None,
        metric => Some(u32::try_from(metric).ok()?),
    };
    let bits = mask.to_bits();
    let is_prefix = bits.leading_ones() == bits.count_ones();
    (is_prefix && next().is_none()).then_some(PersistentRoute {
        destination,
        prefix_length: bits.leading_ones() as u8,
        gateway,
        metric,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_has_four_fields_and_a_metric_of_its_own_or_none() {
        let route = parse("10.1.0.0,255.255.0.0,192.0.2.1,7").unwrap();
        assert_eq!((route.destination.to_string(), route.prefix_length), ("10.1.0.0".to_owned(), 16));
        assert_eq!((route.gateway.to_string(), route.metric), ("192.0.2.1".to_owned(), Some(7)));
        let default = parse("0.0.0.0,0.0.0.0,192.0.2.1,-1").unwrap();
        assert_eq!((default.prefix_length, default.metric), (0, None));
    }

    #[test]
    fn what_is_no_route_is_none() {
        for name in [
            "",
            "10.1.0.0",
            "10.1.0.0,255.255.0.0,192.0.2.1",
            "10.1.0.0,255.255.0.0,192.0.2.1,7,8",
            "10.1.0.0,255.0.255.0,192.0.2.1,7",
            "10.1.0.0,255.255.0.0,192.0.2.1,-2",
            "10.1.0.0,255.255.0.0,192.0.2.1,4294967296",
            "fd00::,ffff::,fe80::1,7",
        ] {
            assert_eq!(parse(name), None, "{name}");
        }
    }
}
