"""Text that would run if a page took it for markup, in every field of a document and of the registers behind it.

>>> served, issued, code, went = prepare(ATTACKS[0])
"""

from dataclasses import replace
from datetime import date

from api_world import entry
from registered import STANDARD
from verdict_states import RichSite

from ledger.core.certificate import parse_certificate
from ledger.core.errors import InputError
from ledger.core.event import EventType
from ledger.core.register_fields import Name
from ledger.core.standard import encode_standard_content

ATTACKS = (
    "<script>ran=1</script>",
    "<img src=x onerror=ran=1>",
    '"><svg/onload=ran=1>',
    "'onfocus='ran=1'autofocus",
    "</style><script>ran=1//",
    "javascript:ran=1",
)
BINDING = {"authorisation_no", "scope_line_id", "division", "cpa_no"}
"""Texts that the steps compare: a document in which they are something else does not hold, and shows no field."""
BINDING_IDS = {"regulation", "standards", "issuer"}


def walk(value, path=()):
    """Yield container, key and path of every text in a record."""
    items = enumerate(value) if isinstance(value, list) else value.items()
    for key, member in items:
        if isinstance(member, dict | list):
            yield from walk(member, (*path, key))
        elif isinstance(member, str):
            yield value, key, (*path, key)


def is_binding(path):
    return path[-1] in BINDING or (path[-1] == "id" and path[0] in BINDING_IDS)


def poison(world, record, attack, *, everything):
    """Put the attack into every text that can hold it; return where it went."""
    went = []
    for container, key, path in walk(record):
        if path == ("doc_type",) or (is_binding(path) and not everything):
            continue
        kept, container[key] = container[key], f"{attack}{path[1]}" if key == "pid" else attack
        try:
            parse_certificate(world.certificate(record))
            went.append(path)
        except InputError:
            container[key] = kept
    return went


def register_names(served, attack):
    """Let institution, authority and standard be called by the attack."""
    name, world = Name(attack, attack), served.world
    raws = [
        world.authority(version=1, name=name),
        world.institution(version=1, name=name),
        world.by_authority(EventType.STANDARD, encode_standard_content(attacking(attack)), version=1),
    ]
    answer = served.post([entry(raw) for raw in raws]).json()
    assert all("index" in result for result in answer["results"]), answer


def attacking(attack):
    (part,) = STANDARD.instruments
    part = replace(part, no=attack, certificate_no=attack, until=date(2027, 8, 31))
    texts = dict.fromkeys(("name", "examination_no", "public_no", "range", "uncertainty"), attack)
    return replace(STANDARD, **texts, instruments=(part,))


def prepare(attack, *, everything=False):
    served = RichSite().found()
    register_names(served, attack)
    record = served.world.record(1)
    record["lot"] = {"no": "L-1", "size": 3}
    record["instrument"] |= {"local_id": "X-1", "parts": [{"id": "1", "name": "x", "serial": "y"}]}
    went = poison(served.world, record, attack, everything=everything)
    issued = served.world.issue(1, record=record)
    code = served.submit(issued)
    served.anchor()
    return served, issued, code, went
