"""Who is one caller: an IPv4 address, or the network of an IPv6 address, of which a caller has all addresses.

>>> find_caller("2001:db8:1:2::7")
'2001:db8:1:2::/64'
"""

import ipaddress
from typing import Final

_IPV6_PREFIX: Final = 64


def find_caller(address: str) -> str:
    """Return what stands for the caller at an address; an IPv4 address is the same in IPv6's spelling of it."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if not isinstance(found, ipaddress.IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:  # so some servers in front name whoever comes by IPv4
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(found), _IPV6_PREFIX), strict=False))
