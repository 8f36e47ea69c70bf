"""A person is forgotten: nothing of theirs stays in the file, others lose nothing, and their pairs are dealt again."""

from __future__ import annotations

from collecting.collect_case import Near, add, judgements, link, pairs, store_of

from components.collecting.erasing import erase
from components.collecting.store import DATABASE


def taken(root):
    rows = store_of(root).reading().execute("SELECT taken FROM tasks ORDER BY number")
    return [row["taken"] for row in rows]


def test_all_of_a_person_goes_and_nothing_of_others(root):
    add(root, pairs(4))
    zelda, ann = (Near(root, link(root, name)) for name in ("zelda-quine", "ann"))
    assert ann.judge("left", comment="ann's remark").status_code == 200
    assert zelda.judge("right", comment="zelda's remark").status_code == 200
    assert zelda.judge("", action="skip").status_code == 200
    # Zelda judged one pair, skipped one and has one before her; Ann judged one and has one before her.
    before = taken(root)
    assert sum(before) == 4
    assert erase(store_of(root), "zelda-quine") == 2
    assert sum(taken(root)) == 2
    assert [row["comment"] for row in judgements(root)] == ["ann's remark"]
    assert zelda.judge("left").status_code == 403
    files = b"".join(path.read_bytes() for path in (root / DATABASE).parent.iterdir() if path.is_file())
    assert b"ann's remark" in files
    assert b"zelda" not in files
    assert erase(store_of(root), "zelda-quine") == 0


def test_who_comes_after_is_somebody_else(root):
    add(root, pairs(2))
    before = Near(root, link(root, "zelda-quine"))
    erase(store_of(root), "zelda-quine")
    # SQLite may give the number again; the session is of the link that is gone.
    after = Near(root, link(root, "bob"))
    assert after.judge("left").status_code == 200
    assert before.judge("left").status_code == 403
