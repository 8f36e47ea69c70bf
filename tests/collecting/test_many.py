"""Tens of people at once, and a server that is killed under them: what was acknowledged is there, once."""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
from collecting.collect_case import Person, add, judgements, link, pairs, serving, store_of

PEOPLE, EACH = 50, 10


def work(address: str, path: str, count: int) -> list[float]:
    """Judge so many pairs; how long each took to be acknowledged and followed by the next."""
    person = Person(address, path)
    took = []
    for number in range(count):
        begun = time.perf_counter()
        response = person.judge(("left", "right", "tie")[number % 3])
        took.append(time.perf_counter() - begun)
        assert response.url.query == b"said=stored"
    person.client.close()
    return took


def test_fifty_people_at_once_lose_and_double_nothing(root):
    add(root, pairs(PEOPLE * EACH // 2 + 100, gold=30))
    paths = [link(root, f"person-{number}") for number in range(PEOPLE)]
    with serving(root) as page, ThreadPoolExecutor(PEOPLE) as pool:
        waits = [pool.submit(work, page.address, path, EACH) for path in paths]
        took = sorted(second for wait in waits for second in wait.result())
        assert page.end() == 0
    print(
        f"{len(took)} judgements: p50 {took[len(took) // 2]:.3f} s, p95 {took[len(took) * 95 // 100]:.3f} s"
    )
    rows = judgements(root)
    assert len(rows) == PEOPLE * EACH
    assert Counter(row["annotator"] for row in rows) == dict.fromkeys(range(1, PEOPLE + 1), EACH)
    assert {row["revision"] for row in rows} == {1}
    tasks = store_of(root).reading().execute("SELECT number, gold, taken FROM tasks").fetchall()
    said = Counter(row["task"] for row in rows)
    # Each of them also has the next pair open.
    opened = Counter(
        row["task"]
        for row in store_of(root).reading().execute("SELECT task FROM servings WHERE state = 'open'")
    )
    assert all(task["taken"] == said[task["number"]] + opened[task["number"]] for task in tasks)
    ordinary = [task["taken"] for task in tasks if task["gold"] is None]
    assert max(ordinary) - min(ordinary) <= 1


def test_a_server_killed_under_its_people_loses_nothing_acknowledged(root):
    add(root, pairs(400))
    paths = [link(root, f"person-{number}") for number in range(8)]
    acknowledged: list[str] = []
    dead = threading.Event()

    def judge_until_dead(address: str, path: str) -> Person:
        person = Person(address, path)
        while not dead.is_set():
            prompt = person.texts[0]
            try:
                if person.judge("left", comment=prompt).url.query != b"said=stored":
                    break
            except httpx.HTTPError:
                break
            acknowledged.append(f"{path} {prompt}")
        return person

    with serving(root) as page, ThreadPoolExecutor(len(paths)) as pool:
        waits = [pool.submit(judge_until_dead, page.address, path) for path in paths]
        while len(acknowledged) < 60:
            time.sleep(0.01)
        page.end(signal.SIGKILL)
        dead.set()
        people = [wait.result() for wait in waits]
    comments = Counter((row["annotator"], row["comment"]) for row in judgements(root))
    numbers = {path: number for number, path in enumerate(paths, start=1)}
    for said in acknowledged:
        path, _, prompt = said.partition(" ")
        assert comments[numbers[path], prompt] == 1
    with serving(root, page.port):
        for person in people:
            # Their sessions live; what was stored unheard is not asked again.
            person.page = person.client.get("/").text
            before = len(judgements(root))
            assert person.judge("right").url.query == b"said=stored"
            assert len(judgements(root)) == before + 1
    assert max(Counter((row["annotator"], row["task"]) for row in judgements(root)).values()) == 1
