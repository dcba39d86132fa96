"""Evidence packs for tests: made by a served log's desk or from bundles, unpacked, spoiled.

>>> folder = unpack(pack_of(served, code), tmp_path)
>>> change_page(folder, lambda data: data | {"newest": None})
"""

import io
import json
import re
import zipfile

from api.evidence.desk import EvidenceDesk, Shelf
from api.evidence.pack import Source, make_pack
from api.evidence.page import embed_json
from api.verdicts import Verdicts
from ledger.core.data import load_rule_book
from ledger.core.policy import encode_policy
from ledger.register_list import RegisterList
from verifier.session import Session

HOST = "v.example.cn"
_DATA = re.compile(r'(<script type="application/json" id="data">)(.*?)(</script>)', re.DOTALL)


def print_nothing(copy):
    """Stand for the typesetter."""
    return b"%PDF-1.7\n" + copy.banners[0].zh.encode()


def desk_of(served, print_pdf=print_nothing, is_behind=None, **options):
    """Return a desk over a served log."""
    verdicts = Verdicts(served.store, served.prover, served.receipts, served.policy, served.clock, is_behind)
    registers = RegisterList(served.store, served.prover, served.policy.origin)
    shelf = Shelf(verdicts, served.prover, registers, served.policy, HOST, is_behind)
    return EvidenceDesk(shelf, print_pdf, **options)


def pack_of(served, code, **options):
    """Return the pack of a served log's document."""
    desk = desk_of(served, **options)
    return desk.make(desk.gather_by_code(code))


def pack_files(policy, bundle, newest=None, print_pdf=print_nothing, **changes):
    """Return a pack of proof files alone."""
    members = {"trust": None, "history": None, "host": HOST} | changes
    source = Source(bundle, newest, encode_policy(policy), **members)
    return make_pack(source, Session(policy, load_rule_book(), None), print_pdf)


def read_all(raw):
    """Return the files of a pack by name."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def unpack(raw, folder):
    """Write a pack into a folder, and return that."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in read_all(raw).items():
        (folder / name).write_bytes(content)
    return folder


def read_page(raw):
    """Return what stands in a page as data."""
    return json.loads(_DATA.search(raw.decode())[2])


def change_page(folder, change):
    """Put other data into the page of a folder, as somebody might who wants to be believed."""
    page = folder / "verify.html"
    text = page.read_text("utf-8")
    found = _DATA.search(text)
    data = embed_json(change(json.loads(found[2])))
    page.write_text(f"{text[: found.start(2)]}{data}{text[found.end(2) :]}", "utf-8")
