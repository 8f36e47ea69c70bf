"""People's names in figures: by hand, stable, and never the same for two."""

import hashlib

from components.pages.pseudonyms import pseudonyms


def test_a_name_becomes_the_start_of_its_digest():
    # printf 'Ann' | sha256sum
    assert pseudonyms(["Ann"]) == {"Ann": "annotator-17239b6e"}
    assert pseudonyms([]) == {}


def test_it_is_the_same_whoever_else_is_there():
    assert pseudonyms(["Zoë", "Ann", "Bob"])["Ann"] == pseudonyms(["Ann"])["Ann"]


def test_two_people_never_share_one():
    # Found by trying: the two digests begin with the same eight digits.
    names = ["person 2430", "person 40523"]
    starts = {hashlib.sha256(name.encode()).hexdigest()[:8] for name in names}
    assert starts == {"f4bacf6b"}
    assert pseudonyms(names) == {"person 2430": "annotator-f4bacf6bf", "person 40523": "annotator-f4bacf6b5"}
