//! The IPv4 routes that Windows sets up again whenever it starts, as its registry keeps them: those that were added with
//! `route -p add`, and the static default gateways of adapters.

use crate::model::route::PersistentRoute;
use std::net::Ipv4Addr;

/// The route that the name of a registry value describes: `network,mask,gateway,metric`, a metric of -1 for Windows' choice.
/// `None` if it describes no route.
pub fn parse(name: &str) -> Option<PersistentRoute> {
    let mut fields = name.split(',');
    let mut next = || fields.next();
    let (destination, mask, gateway) = (next()?.parse().ok()?, next()?.parse::<Ipv4Addr>().ok()?, next()?.parse().ok()?);
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

/// The default routes of an adapter's settings: `DefaultGateway` and, at the same positions, `DefaultGatewayMetric`, in which 0
/// leaves the metric to Windows.
pub fn default_routes(gateways: &[String], metrics: &[String]) -> Vec<PersistentRoute> {
    let route = |(position, gateway): (usize, &String)| {
        let gateway = gateway.parse().ok().filter(|gateway: &Ipv4Addr| !gateway.is_unspecified())?;
        let metric = metrics.get(position).and_then(|metric| metric.parse().ok()).filter(|&metric| metric != 0);
        Some(PersistentRoute { destination: Ipv4Addr::UNSPECIFIED, prefix_length: 0, gateway, metric })
    };
    gateways.iter().enumerate().filter_map(route).collect()
}

/// The texts of a registry value of several texts (`REG_MULTI_SZ`): each ends in a NUL.
pub fn texts(units: &[u16]) -> Vec<String> {
    units.split(|&unit| unit == 0).filter(|text| !text.is_empty()).map(String::from_utf16_lossy).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_static_gateway_is_a_default_route_with_the_metric_at_its_position() {
        let values = |values: &[&str]| texts(&values.join("\0").encode_utf16().chain([0, 0]).collect::<Vec<_>>());
        let gateways = values(&["192.0.2.1", "192.0.2.2", "198.51.100.1"]);
        let routes = default_routes(&gateways, &values(&["0", "256"]));
        let shown: Vec<_> = routes.iter().map(|route| (route.gateway.to_string(), route.metric)).collect();
        assert_eq!(shown, [("192.0.2.1".into(), None), ("192.0.2.2".into(), Some(256)), ("198.51.100.1".into(), None)]);
        assert!(routes.iter().all(|route| route.destination.is_unspecified() && route.prefix_length == 0));
        assert_eq!(default_routes(&values(&["0.0.0.0", "gateway"]), &[]), []);
        assert_eq!(default_routes(&values(&[]), &values(&["1"])), []);
    }

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
