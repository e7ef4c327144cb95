"""Makes the GeoIP files of the tests: networks kept for documentation (RFC 5737, RFC 3849), in places we gave them.

    pip install mmdb_writer==0.2.6
    python make.py
"""

from netaddr import IPSet
from mmdb_writer import MMDBWriter


def place(country, latitude, longitude):
    return {
        "country": {"iso_code": country},
        "location": {"latitude": latitude, "longitude": longitude},
    }


BERLIN = place("DE", 52.52, 13.405)
PARIS = place("FR", 48.857, 2.352)
SYDNEY = place("AU", -33.869, 151.209)

FILES = {
    "city.mmdb": (
        "Keygate-Test-City",
        {"192.0.2.0/24": BERLIN, "198.51.100.0/24": SYDNEY, "2001:db8:1::/48": BERLIN, "2001:db8:2::/48": PARIS},
    ),
    "asn.mmdb": (
        "Keygate-Test-ASN",
        {
            "192.0.2.0/24": {"autonomous_system_number": 64500},
            "198.51.100.0/24": {"autonomous_system_number": 64501},
            "203.0.113.0/24": {"autonomous_system_number": 64500},
        },
    ),
    "anonymous.mmdb": (
        "Keygate-Test-Anonymous-IP",
        {
            "203.0.113.128/25": {"is_anonymous": True, "is_tor_exit_node": True},
            "192.0.2.0/24": {"is_hosting_provider": True},
        },
    ),
}

for name, (kind, networks) in FILES.items():
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type=kind, languages=["en"],
                        description="Made for tests; says nothing about real addresses", float_type="f64")
    for network, record in networks.items():
        writer.insert_network(IPSet([network]), record)
    writer.to_db_file(name)
