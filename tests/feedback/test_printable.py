"""What strangers wrote, as it is shown."""

from components.feedback.printable import printable


def test_what_cannot_be_seen_is_written_as_its_escape():
    assert printable("naïve 日本 🙂 x") == "naïve 日本 🙂 x"
    assert printable("\x1b[2J\n\u202e\xa0\ud800\U000e0001") == r"\x1b[2J\n\u202e\xa0\ud800\U000e0001"
    # As the system names a file whose name is no UTF-8.
    assert printable(b"caf\xe9.csv".decode("utf-8", "surrogateescape")) == r"caf\udce9.csv"


def test_what_is_kept_stays():
    assert printable("a\tb\nc\r", kept="\n\t") == "a\tb\nc\\r"
