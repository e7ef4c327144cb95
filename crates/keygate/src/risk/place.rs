//! Where an address is, as far as anybody told us.

use std::net::IpAddr;

/// What the operator's files say about an address. Nothing of it is sure to be there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Place {
    /// Two letters.
    pub country: Option<String>,
    /// The number of the autonomous system: who runs the network.
    pub operator: Option<u32>,
    pub point: Option<Point>,
    /// It hides who calls.
    pub is_anonymous: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub latitude: f64,
    pub longitude: f64,
}

impl Point {
    /// Along the surface of the earth.
    pub fn km_to(self, other: Point) -> f64 {
        let (from, to) = (self.latitude.to_radians(), other.latitude.to_radians());
        let (up, along) = ((to - from) / 2.0, (other.longitude - self.longitude).to_radians() / 2.0);
        let chord = up.sin().powi(2) + from.cos() * to.cos() * along.sin().powi(2);
        2.0 * RADIUS_KM * chord.sqrt().min(1.0).asin()
    }

    /// Nobody travels so far in so few seconds.
    pub fn is_out_of_reach(self, other: Point, seconds: f64) -> bool {
        let km = self.km_to(other);
        km > FAR_KM && km > FAST_KMH * seconds.max(0.0) / 3600.0
    }
}

/// The address, or the /64 it is in: whoever has one of those has them all.
pub fn subscriber(ip: IpAddr) -> String {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => {
            let network = ip.to_bits() & !(u128::MAX >> 64);
            format!("{}/64", std::net::Ipv6Addr::from_bits(network))
        }
    }
}

/// The /24 or /56 an address is in.
pub fn neighbourhood(ip: IpAddr) -> String {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(ip) => {
            let network = ip.to_bits() & !(u128::MAX >> 56);
            format!("{}/56", std::net::Ipv6Addr::from_bits(network))
        }
    }
}

const RADIUS_KM: f64 = 6371.0;
const FAR_KM: f64 = 500.0;
const FAST_KMH: f64 = 900.0;

#[cfg(test)]
mod tests {
    use super::*;

    const BERLIN: Point = Point { latitude: 52.52, longitude: 13.405 };
    const PARIS: Point = Point { latitude: 48.857, longitude: 2.352 };
    const SYDNEY: Point = Point { latitude: -33.869, longitude: 151.209 };

    #[test]
    fn distances_are_those_of_an_atlas() {
        assert!((BERLIN.km_to(PARIS) - 878.0).abs() < 5.0, "{}", BERLIN.km_to(PARIS));
        assert!((BERLIN.km_to(SYDNEY) - 16_090.0).abs() < 60.0, "{}", BERLIN.km_to(SYDNEY));
        assert!(BERLIN.km_to(BERLIN) < 0.001);
        let (west, east) =
            (Point { latitude: 0.0, longitude: 179.9 }, Point { latitude: 0.0, longitude: -179.9 });
        assert!(west.km_to(east) < 30.0, "the date line is no wall");
    }

    #[test]
    fn an_airliner_may_be_caught_and_nothing_faster() {
        assert!(!BERLIN.is_out_of_reach(SYDNEY, 18.0 * 3600.0));
        assert!(BERLIN.is_out_of_reach(SYDNEY, 17.0 * 3600.0));
        assert!(BERLIN.is_out_of_reach(PARIS, 0.0));
        assert!(!BERLIN.is_out_of_reach(PARIS, 3600.0));
        assert!(BERLIN.is_out_of_reach(PARIS, -5.0), "clocks of two replicas differ");
        let potsdam = Point { latitude: 52.39, longitude: 13.06 };
        assert!(!BERLIN.is_out_of_reach(potsdam, 0.0), "files are not exact to a town");
    }

    #[test]
    fn neighbourhood_is_what_one_customer_has() {
        let of = |text: &str| neighbourhood(text.parse().unwrap());
        assert_eq!(of("203.0.113.77"), "203.0.113.0/24");
        assert_eq!(of("::ffff:203.0.113.77"), "203.0.113.0/24");
        assert_eq!(of("2001:db8:1:2ff:3::4"), "2001:db8:1:200::/56");
    }
}
