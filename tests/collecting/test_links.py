"""A link that is opened again, from wherever it was sent, ends nothing that is being written."""

from __future__ import annotations

import pytest
from collecting.collect_case import Near, add, judgements, link, pairs

FROM_MAIL = {"Sec-Fetch-Site": "cross-site"}


@pytest.fixture
def path(root):
    add(root, pairs(3))
    return link(root, "ann")


def without_cookies(person, address, **headers):
    """As a browser asks when another site's page leads here: a strict cookie is not sent along."""
    kept = dict(person.client.cookies)
    person.client.cookies.clear()
    response = person.client.get(address, headers=headers, follow_redirects=False)
    sent = dict(person.client.cookies)
    person.client.cookies.clear()
    person.client.cookies.update(kept | sent)
    return response


def test_the_same_link_again_goes_on_with_the_session(root, path):
    person = Near(root, path)
    person.client.get(path)
    assert person.judge("left", comment="half an hour of work").status_code == 200
    assert len(judgements(root)) == 1


def test_from_web_mail_it_goes_on_too(root, path):
    person = Near(root, path)
    response = without_cookies(person, path, **FROM_MAIL)
    assert (response.status_code, "set-cookie" in response.headers) == (200, False)
    assert f'content="0;url={path}?opened"' in response.text
    person.client.get(f"{path}?opened", headers={"Sec-Fetch-Site": "same-origin"})
    assert person.judge("left").status_code == 200
    assert len(judgements(root)) == 1


def test_a_browser_that_says_elsewhere_for_ever_is_not_led_round_for_ever(root, path):
    person = Near(root, path)
    assert without_cookies(person, f"{path}?opened", **FROM_MAIL).status_code == 303


def test_another_person_s_link_and_a_new_one_begin_anew(root, path):
    person = Near(root, path)
    person.client.get(link(root, "bob"))
    assert person.judge("left").status_code == 403
    again = Near(root, link(root, "ann"))
    again.client.get(link(root, "ann"))
    assert again.judge("left").status_code == 403
    assert judgements(root) == []


def test_over_plain_http_where_no_browser_says_whence_it_leads_on_once(root, path):
    person = Near(root, path)
    assert person.client.get(path, follow_redirects=False).headers["location"] == "/?opened"
    response = without_cookies(person, "/?opened")
    assert (response.status_code, 'content="0;url=/"' in response.text) == (200, True)
    assert "<form" in person.client.get("/").text
    # Where no cookie is kept at all, the second page says what is missing.
    assert without_cookies(person, "/").status_code == 403
