"""An office whose persons have keys of their own, and files that name them.

>>> with open_keyed_world(tmp_path) as world:
...     take(world, hand_in(world, row(1), row(2)))
"""

import json
from contextlib import contextmanager
from dataclasses import replace

import orjson
from desk_world import apply
from office_world import begin_draft, open_office_world
from signoff_world import person_content
from world import AUTHORITY, INSTITUTION, ORIGIN

from api.office.roles import OfficeRole
from ledger.core.event import EventType
from ledger.core.person import encode_person_content
from ledger.home import create_home
from ledger.keystore import KeyAlgorithm
from ledger.passphrase import Passphrase

STAFF = {
    "op": ("P-op", OfficeRole.OPERATOR),
    "op2": ("P-op2", OfficeRole.OPERATOR),
    "ch": ("P-ch", OfficeRole.CHECKER),
    "ap": ("P-ap", OfficeRole.APPROVER),
}
NEW = {
    "applicant": "福州示例石油有限公司",
    "code": "91350100M000100Y43",
    "received_on": "2026-11-01",
    "what": "加油机",
}


def secret(pid):
    return f"the long pass phrase of {pid}"


def give_key(world, home, pid):
    """Register a person with a key that lies in a home, as the authority does."""
    label = home.keystore.create(pid.lower(), KeyAlgorithm.ED25519, Passphrase(secret(pid).encode()))
    signer = home.keystore.open_signer(pid.lower(), Passphrase(secret(pid).encode()))
    content = encode_person_content(person_content(pid, key=label.public_key))
    made = world.gateway.world
    raw = made._register(EventType.PERSON, AUTHORITY, content, made.authority_key, endorsers=[signer])
    apply(world.gateway.founded, world.gateway.states, raw, world.gateway.size)
    world.gateway.size += 1


@contextmanager
def open_keyed_world(folder, urls=None):
    """Open an office with two operators, a checker and an approver, each with a key; see `open_office_world`."""
    with open_office_world(folder, urls=urls, roles=("auditor",)) as world:
        home = create_home(folder / "home", origin=ORIGIN, development=True)
        for name, (pid, role) in STAFF.items():
            world.enrol(name, frozenset({role}), pid=pid)
            give_key(world, home, pid)
        changed = replace(world.office.tenants[INSTITUTION], home=home)
        object.__setattr__(world.office, "tenants", {**world.office.tenants, INSTITUTION: changed})
        world.lims = world.add_machine("lims")
        yield world


def lines(*values):
    """Return a file of JSON lines."""
    return b"".join(orjson.dumps(value) + b"\n" for value in values)


def upload(world, browser, name, raw, common=None):
    """Hand a file in on the page."""
    files = {"file": (name, raw)} | ({"common": ("common.json", common)} if common is not None else {})
    return browser.post("/imports", data={"form_token": browser.form_token}, files=files)


def alert(page):
    """Return what a page says is wrong."""
    return page.text.partition('role="alert"')[2].partition("</div>")[0]


def row(number, operator="P-op", **changes):
    people = {"operator": operator, "checker": "P-ch", "approver": "P-ap"}
    persons = [
        {"role": role, "pid": pid, "signed_at": "2026-11-02T04:00:00Z"} for role, pid in people.items()
    ]
    return begin_draft(number, persons=persons) | changes


def hand_in(world, *values, name="op"):
    """Upload a file; return the path of its page."""
    answer = upload(world, world.browser(name), "round.jsonl", lines(*values))
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def take(world, path, data=NEW, code=303, name="op"):
    answer = world.post(world.browser(name), f"{path}/drafts", data)
    assert answer.status_code == code, answer.text
    return answer


def drafts(world):
    with world.office.tenants[INSTITUTION].desk.read() as desk:
        return desk.list_drafts()


def kept(world, path):
    with world.office.store.read() as office:
        return office.imports.fetch(INSTITUTION, path.rpartition("/")[2])


def documents(world):
    with world.office.tenants[INSTITUTION].desk.read() as desk:
        return list(desk.list_documents())


def call_machine(world, method, path, body=None, code=200, **headers):
    raw = b"" if body is None else json.dumps(body).encode()
    signed = world.sign(world.lims, method, path, raw)
    answer = world.client().request(
        method, path, content=raw, headers={**signed, "Content-Type": "application/json", **headers}
    )
    assert answer.status_code == code, answer.text
    return answer.json()
