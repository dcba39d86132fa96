"""The device's own look at the chain, in Chromium: only when somebody presses, and only at the place they typed."""

import re
from contextlib import contextmanager

import pytest
from api_world import ApiWorld
from browsers import ROOT, chromium, find_violations
from chain_helpers import found_log, fresh_account, make_anchorer
from look_world import ChainWorld, node_of
from served_app import serving
from servers import anvil_node
from verdict_visit import LANGUAGES, Visit

from ledger.chain.client import ChainClient
from ledger.core.policy import ContractPin
from ledger.store.engine import Database
from ledger.store.migrations import migrate
from ledger.store.unit_of_work import SqlStore

ARTEFACTS = ROOT / "test-artifacts" / "look"
KEY = "/v3/secret-key"
SEEN = "链上核对"
NOT_SEEN = "未能在链上核对"
DIFFERS = "节点所示与证明不一致"
CALM = "这不表示该记录有误"


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


@contextmanager
def served(world):
    with world, node_of(world.chain) as node, serving(world.app, world.now) as url:
        world.found()
        world.code = world.issue(1)
        yield world, node, url


@pytest.fixture
def site():
    with served(ChainWorld()) as (world, node, url):
        world.anchor()
        yield world, node, url


class Look(Visit):
    """A visit to the page, on a device whose clock is right."""

    def __init__(self, browser, url, world, language="zh", width=360, **options):
        path = f"{url}/look?code={world.code}"
        super().__init__(browser, path, language, width, now=world.now, **options)

    def choose(self, address, *, remember=False):
        self.page.fill("#node", address)
        if remember:
            self.page.check("#remember")
        self.page.click("#choose button")

    def read(self):
        self.page.locator("#outcome h2").wait_for()
        return self.page.inner_text("#outcome")


def test_what_the_chain_shows_is_said_with_the_verdict(browser, site):
    world, node, url = site
    with Look(browser, url, world) as visit:
        visit.choose(node.url + KEY)
        text = visit.read()
        assert "检定有效" in text
        assert f"{SEEN}：已在链7777的区块2中核对" in text
        assert "不证明此刻称量准确" in text
        assert "以上为本机自行核验的结论" in text
        assert visit.errors == []
        assert [path for path, _ in node.asked] == [KEY] * len(node.asked)
        assert len(node.asked) == 7
        assert not [head for head in node.headers if "cookie" in head or "referer" in head]
        assert {head["origin"] for head in node.headers} == {url}


def test_this_site_learns_the_nodes_origin_and_nothing_else(browser, site):
    world, node, url = site
    with Look(browser, url, world) as visit:
        visit.choose(f"{node.url}{KEY}?token=abc#x")
        visit.read()
        to_us = [each for each in visit.requests if each.startswith(url)]
        assert not [each for each in to_us if "secret" in each or "abc" in each]
        assert "secret" not in visit.page.url
        assert visit.page.evaluate("localStorage.length") == 0


def test_nothing_is_asked_because_an_address_says_so(browser, site):
    world, node, url = site
    with Visit(browser, f"{url}/look?code={world.code}&node={node.url}", now=world.now) as visit:
        visit.page.get_by_text("尚未向其查询").wait_for()
        visit.page.wait_for_timeout(300)
        assert node.asked == []
        visit.page.click("#ask button")
        visit.page.locator("#outcome .chain").wait_for()
        asked = len(node.asked)
        visit.page.reload()
        visit.page.get_by_text("尚未向其查询").wait_for()
        assert len(node.asked) == asked


def test_a_page_may_speak_to_no_other_place(browser, site):
    """The browser itself refuses, whatever a script would do."""
    world, node, url = site
    question = '{"method": "eth_chainId", "params": []}'
    ask = f"""(url) => fetch(url, {{ method: "POST", body: '{question}', mode: "no-cors" }})
      .then(() => "sent", () => "refused")"""
    with node_of(world.chain) as other, Look(browser, url, world) as visit:
        visit.choose(node.url)
        visit.read()
        assert visit.page.evaluate(ask, node.url + "/x") == "sent"
        assert visit.page.evaluate(ask, other.url) == "refused"
        visit.go(f"{url}/look?code={world.code}")
        assert visit.page.evaluate(ask, node.url) == "refused"
        visit.go(f"{url}/c/{world.code}")
        assert visit.page.evaluate(ask, node.url) == "refused"
        assert other.asked == []


def test_a_node_is_remembered_only_where_somebody_asks_for_it(browser, site):
    world, node, url = site
    address = node.url + KEY
    with Look(browser, url, world) as visit:
        visit.choose(address, remember=True)
        visit.read()
        visit.go(f"{url}/look?code={world.code}")
        assert visit.page.input_value("#node") == address
        assert visit.page.is_checked("#remember")
        visit.page.uncheck("#remember")
        visit.page.click("#choose button")
        visit.read()
        assert visit.page.evaluate("localStorage.getItem('hengzheng/node/v1')") is None
        visit.go(f"{url}/look?code={world.code}")
        assert visit.page.input_value("#node") == ""


# --- what cannot be seen ------------------------------------------------------------------------------------


def away(node):
    node.lets_pages = False


def refuse(node):
    node.answer = lambda *_: {"error": {"code": -32000, "message": "<script>alert(1)</script>"}}


def speak_otherwise(node):
    node.answer = lambda *_: b"<html>"


def catch_up(node):
    truth = node.answer
    node.answer = lambda method, params: (
        {"result": {"currentBlock": "0x1"}} if method == "eth_syncing" else truth(method, params)
    )


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (away, "该节点未运行，或不允许网页访问（CORS）"),
        (refuse, "节点拒绝应答或应答无法识别"),
        (speak_otherwise, "节点拒绝应答或应答无法识别"),
        (catch_up, "节点仍在同步"),
    ],
    ids=lambda each: getattr(each, "__name__", None),
)
def test_what_could_not_be_looked_at_is_neither_valid_nor_forged(browser, site, spoil, sentence):
    world, node, url = site
    spoil(node)
    with Look(browser, url, world) as visit:
        visit.choose(node.url)
        text = visit.read()
        assert text.startswith(NOT_SEEN)
        assert sentence in text
        assert CALM in text
        assert "不查链时，本机的核验结论：检定有效" in text
        assert DIFFERS not in text
        assert visit.page.locator("#outcome .verdict.valid").count() == 0


def test_a_place_where_nobody_listens_is_out_of_reach(browser, site):
    world, _, url = site
    with Look(browser, url, world) as visit:
        visit.choose("http://localhost:9")
        assert "节点无法连接" in visit.read()


def test_a_state_that_is_not_anchored_yet_is_said(browser):
    with served(ChainWorld()) as (world, node, url):
        world.hold_receipt()
        with Look(browser, url, world) as visit:
            visit.choose(node.url)
            text = visit.read()
            assert text.startswith(NOT_SEEN)
            assert "尚未上链：合约为0条" in text


# --- contradictions -----------------------------------------------------------------------------------------


def test_another_root_in_the_contract_is_a_contradiction(browser):
    with served(ChainWorld()) as (world, node, url):
        world.anchor(root=b"\x07" * 32)
        with Look(browser, url, world) as visit:
            visit.choose(node.url)
            text = visit.read()
            assert text.startswith(DIFFERS)
            assert "条对应的根哈希不同" in text
            assert "检定有效" not in text


@pytest.mark.parametrize(
    ("method", "lie", "sentence"),
    [
        ("eth_chainId", "0x1", "节点所在链为1，策略指定的链为7777"),
        ("eth_getBlockByNumber", {"number": "0x0", "hash": "0x" + "11" * 32}, "节点的创世区块与策略不符"),
        ("eth_getCode", "0x6001", "合约代码与策略不符"),
    ],
)
def test_a_node_of_another_chain_is_named_as_such(browser, site, method, lie, sentence):
    world, node, url = site
    world.chain.overrides[method] = lambda *_: lie
    with Look(browser, url, world) as visit:
        visit.choose(node.url)
        text = visit.read()
        assert text.startswith(DIFFERS)
        assert sentence in text
        assert "请先确认该节点属于本账本所用的链" in text


def test_a_contract_without_the_log_is_a_contradiction(browser, site):
    world, node, url = site
    unknown = {"code": 3, "message": "reverted", "data": "0x3d199f11" + world.identity.log_id.hex()}
    truth = node.answer
    node.answer = lambda method, params: {"error": unknown} if method == "eth_call" else truth(method, params)
    with Look(browser, url, world) as visit:
        visit.choose(node.url)
        assert "合约中没有此账本" in visit.read()


# --- the page itself ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("https://user:word@node.example", "不得含有用户名或密码"),
        ("http://node.example", "仅本机节点（127.0.0.1或localhost）可用http"),
        ("ftp://node.example", "仅本机节点"),
        ("https://10.0.0.1", "节点地址须为https加域名"),
    ],
)
def test_other_addresses_are_refused_with_a_sentence(browser, site, typed, sentence):
    world, node, url = site
    with Look(browser, url, world) as visit:
        visit.choose(typed)
        visit.page.get_by_text(re.compile(re.escape(sentence))).first.wait_for()
        assert "word" not in visit.page.url
        assert visit.page.locator("#outcome h2").count() == 0
        assert node.asked == []


def test_without_script_the_page_names_the_command(browser, site):
    world, _, url = site
    with Look(browser, url, world, java_script_enabled=False) as visit:
        text = visit.page.inner_text("main")
        assert "网页核对需要启用脚本" in text
        assert not visit.page.locator("#choose").is_visible()
        visit.page.click("summary")
        assert "--chain https://" in visit.page.inner_text("main")


def test_the_verdict_page_leads_there_and_asks_nobody(browser, site):
    world, node, url = site
    with Visit(browser, f"{url}/c/{world.code}", now=world.now) as visit:
        visit.settle()
        visit.open_all()
        assert node.asked == []
        visit.page.get_by_role("link", name="用您自己选择的节点核对区块链").click()
        visit.page.wait_for_url("**/look?code=*")
        visit.page.locator("#node").wait_for()
        assert node.asked == []
        assert not [each for each in visit.requests if each.endswith("/chain.js")]


@pytest.mark.parametrize("width", [320, 360, 1280])
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_accessible_and_fits(browser, site, language, width):
    world, node, url = site
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    with Look(browser, url, world, language, width) as visit:
        visit.page.locator("#node").wait_for()
        for state, spoil in (("form", None), ("seen", None), ("away", away), ("differs", None)):
            if state == "differs":
                node.lets_pages = True
                world.chain.overrides["eth_chainId"] = lambda *_: "0x1"
            if spoil:
                spoil(node)
            if state != "form":
                visit.choose(node.url)
                visit.read()
                visit.open_all()
            visit.page.screenshot(path=ARTEFACTS / f"{state}-{language}-{width}.png", full_page=True)
            assert find_violations(visit.page) in (None, []), state
            assert visit.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), state


# --- a real node --------------------------------------------------------------------------------------------


def test_a_real_node_shows_what_was_really_anchored(browser, tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'log.db'}")
    migrate(database)
    with anvil_node() as node, ChainClient(node.url) as client:
        account = fresh_account(client)
        binding = found_log(client, account)
        pin = ContractPin(binding.chain, binding.code_hash, "immediate")
        store = SqlStore(database)
        with ApiWorld(store=store, contract=pin) as world, serving(world.app) as url:
            world.found()
            world.code = world.issue(1)
            receipt = make_anchorer(store, client, account, binding, world.clock).anchor_newest()
            world.receipts.receipts[receipt.tree_size] = receipt
            world.seconds += 1
            with Visit(browser, f"{url}/look?code={world.code}") as visit:
                visit.page.fill("#node", node.url)
                visit.page.click("#choose button")
                visit.page.locator("#outcome .chain").wait_for()
                text = visit.page.inner_text("#outcome")
                assert f"{SEEN}：已在链{binding.chain.chain_id}的区块{receipt.block_number}中核对" in text
                assert visit.page.locator("#outcome .verdict.tampered").count() == 0
                assert visit.errors == []
    database.close()
