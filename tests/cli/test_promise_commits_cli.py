"""promise --commit: what is answered becomes binding, or nothing does."""

from __future__ import annotations

import json

import pytest

from tests.api import open_store
from tests.lakehouse.lake_events import event, small_company


@pytest.fixture
def store(tmp_path):
    """URL of a store with 40 pieces of A at DC."""
    url = f"sqlite:///{tmp_path}/events.db"
    open_store(url).append_many(small_company())
    return url


@pytest.fixture
def lake(medhavi, store, tmp_path):
    """Folder of a lake that mirrors that store."""
    assert medhavi("mirror", "--from", store, "--lake", tmp_path / "lake").code == 0
    return tmp_path / "lake"


@pytest.fixture
def asked(tmp_path):
    """Write requests for A at DC, by order and quantity."""

    def write(**wishes):
        rows = [
            {
                "sales_order": order,
                "line": 1,
                "product": "A",
                "location": "DC",
                "qty": qty,
                "due": "2026-01-06T00:00:00Z",
            }
            for order, qty in wishes.items()
        ]
        path = tmp_path / "requests.json"
        path.write_text(json.dumps(rows))
        return path

    return write


def test_commit_makes_the_answers_binding(medhavi, store, lake, asked):
    words = ("promise", "--lake", lake, "--request", asked(SO7=30, SO8=5), "--from")
    said = medhavi(*words, store, "--commit", "--approver", "Ada", "--json")
    assert said.code == 0
    assert said.answer["commit"]["status"] == "committed"
    assert len(said.answer["commit"]["reservations"]) == 2
    types = [event.type for event in open_store(store).read("commitments")]
    assert types.count("OrderPromised") == 2
    again = medhavi(*words, store, "--commit", "--approver", "Ada")
    assert again.code == 0
    assert "Committed 2 promises with 2 reservations, approved by Ada." in again.out
    held = medhavi(
        "promise", "--lake", lake, "--request", asked(SO9=6), "--from", store,
        "--commit", "--approver", "Bob", "--json",
    )  # fmt: skip
    assert held.answer["promises"][0]["status"] == "promised_late"


@pytest.mark.parametrize(("own", "promised"), [({}, 2), ({"demand": "W-1"}, 1)])
def test_a_file_without_own_ids_that_is_committed_again_asks_for_more(
    medhavi, store, lake, tmp_path, own, promised
):
    row = {"product": "A", "location": "DC", "qty": 10, "due": "2026-01-06T00:00:00Z"}
    path = tmp_path / "requests.json"
    path.write_text(json.dumps([{**row, **own}]))
    words = ("promise", "--lake", lake, "--request", path, "--from", store, "--json")
    before = [medhavi(*words).out for _ in range(2)]
    assert before[0] == before[1]
    told = ("--commit", "--approver", "Ada")
    first, again = (medhavi(*words, *told).answer["commit"] for _ in range(2))
    assert (first["replayed"], again["replayed"]) == (False, promised == 1)
    types = [event.type for event in open_store(store).read("commitments")]
    assert types.count("OrderPromised") == promised


def test_without_commit_nothing_is_written(medhavi, store, lake, asked):
    said = medhavi("promise", "--lake", lake, "--request", asked(SO7=30), "--json")
    assert said.code == 0
    assert "commit" not in said.answer
    assert open_store(store).head() == 7


def test_tables_cannot_be_committed_to(medhavi, example, asked):
    said = medhavi(
        "promise", "--tables", example, "--request", asked(SO7=1),
        "--commit", "--approver", "Ada",
    )  # fmt: skip
    assert said.code == 2
    assert "a folder of tables has no event store" in said.err


@pytest.mark.parametrize("approver", [(), ("--approver", " ")])
def test_commit_without_an_approver_is_refused(medhavi, store, lake, asked, approver):
    said = medhavi(
        "promise", "--lake", lake, "--from", store, "--request", asked(SO7=1),
        "--commit", *approver,
    )  # fmt: skip
    assert said.code == 2
    assert "--commit needs --approver" in said.err


def test_commit_of_nothing_says_so(medhavi, store, lake, tmp_path):
    path = tmp_path / "requests.json"
    path.write_text("[]")
    said = medhavi(
        "promise", "--lake", lake, "--from", store, "--request", path,
        "--commit", "--approver", "Ada",
    )  # fmt: skip
    assert said.code == 0
    assert "nothing was committed" in said.out


def test_conflict_ends_in_exit_code_one_and_its_name(
    medhavi, store, lake, asked, monkeypatch
):
    from tests.api import PromiseDesk, Workbench

    answer = PromiseDesk.answer

    def outrun(self, requests, policy=None, **detail):
        """Somebody else commits between the answer and the commit."""
        made = answer(self, requests, policy, **detail)
        rival = Workbench(lake, store)
        other = {**json.loads(asked(SO1=40).read_text())[0]}
        assert rival.commit(rival.promise([other]), approver="Bob").committed
        return made

    path = asked(SO7=30)
    content = path.read_text()
    monkeypatch.setattr(PromiseDesk, "answer", _once(outrun, answer, path, content))
    said = medhavi(
        "promise", "--lake", lake, "--from", store, "--request", path,
        "--commit", "--approver", "Ada", "--json",
    )  # fmt: skip
    assert said.code == 1
    assert said.answer["commit"]["code"] == "MaterialReservationConflict"


def _once(first, rest, path, content):
    """Take one function for the first call, another for the later ones."""
    calls = []

    def call(self, requests, policy=None, **detail):
        calls.append(None)
        if len(calls) == 1:
            made = first(self, requests, policy, **detail)
            path.write_text(content)
            return made
        return rest(self, requests, policy, **detail)

    return call


@pytest.fixture
def rivals(medhavi, store, tmp_path):
    """Requests for all of A: a weak one, and one whose policy may take from it."""
    policy = event(
        8,
        "PromisePolicyDefined",
        policy="rush",
        preempt=True,
        supplier_fallback="accept_with_risk",
        tier="Gold",
    )
    usual = event(
        9,
        "PromisePolicyDefined",
        policy="default",
        supplier_fallback="accept_with_risk",
    )
    open_store(store).append_many([policy, usual])
    medhavi("mirror", "--from", store, "--lake", tmp_path / "lake")

    def write(order, **cells):
        row = {
            "sales_order": order,
            "line": 1,
            "product": "A",
            "location": "DC",
            "qty": 40,
            "due": "2026-01-06T00:00:00Z",
            **cells,
        }
        path = tmp_path / f"{order}.json"
        path.write_text(json.dumps([row]))
        return path

    return write("LOW", priority=3), write("TOP", priority=1, policy="rush")


@pytest.mark.req("ATP-09")
def test_commit_tells_who_gave_way(medhavi, store, tmp_path, rivals):
    words = ("promise", "--lake", tmp_path / "lake", "--from", store, "--commit")
    weak, strong = rivals
    first = medhavi(*words, "--request", weak, "--approver", "Ada", "--json")
    assert first.answer["promises"][0]["status"] == "promised"
    said = medhavi(*words, "--request", strong, "--approver", "Bob")
    assert said.code == 0
    assert "takes from LOW line 1 (priority 3, 40 A)" in said.out
    assert "LOW-1 gave way to TOP-1:" in said.out
    events = [one.type for one in open_store(store).read("commitments")]
    assert events.count("PromiseRevised") == 1
    again = medhavi(*words, "--request", strong, "--approver", "Bob", "--json")
    assert again.answer["commit"]["replayed"] is True
    (one,) = again.answer["promises"]
    assert (one["status"], one["preempted"]) == ("promised", [])


@pytest.mark.req("ATP-23")
def test_another_date_is_promised_with_its_reason(medhavi, store, lake, asked):
    words = ("promise", "--lake", lake, "--from", store, "--request", asked(SO7=30))
    date = ("--date", "2026-01-20T00:00:00Z")
    assert "--commit and --approver" in medhavi(*words, *date).err
    told = ("--commit", "--approver", "Ada")
    assert "needs a reason" in medhavi(*words, *told, *date).err
    said = medhavi(*words, *told, *date, "--reason", "their dock is closed")
    assert said.code == 0
    (event,) = [
        one for one in open_store(store).read("commitments")
        if one.type == "PromiseRevised"
    ]  # fmt: skip
    payload = json.loads(event.payload)
    assert (payload["approver"], payload["reason"]) == ("Ada", "their dock is closed")
    assert payload["promised"].startswith("2026-01-20T00:00:00")
    before = open_store(store).head()
    bare = medhavi(*words, *told)
    assert bare.code == 2
    assert "2026-01-20T00:00:00Z, a date that somebody gave" in bare.err
    assert open_store(store).head() == before
    assert medhavi(*words, *told, "--reason", "it opens earlier").code == 0


def test_promises_go_out_since_a_position(medhavi, store, lake, asked, tmp_path):
    words = ("promise", "--lake", lake, "--request", asked(SO7=30), "--from", store)
    assert medhavi(*words, "--commit", "--approver", "Ada").code == 0
    place = ("--lake", lake, "--from", store)
    said = medhavi("export", "promises", "--since", 0, "--to", "csv", *place)
    assert said.out.startswith("number,revision,action,demand,")
    assert "SO7-1,1,promised," in said.out
    said = medhavi(
        "export", "promises", "--to", "json", "--out", tmp_path / "p.json", *place
    )
    written = json.loads((tmp_path / "p.json").read_text())
    assert [one["approver"] for one in written["promises"]] == ["Ada"]
    since = ("--since", written["next"])
    said = medhavi("export", "promises", *since, "--to", "json", "--json", *place)
    assert said.answer["promises"] == []
