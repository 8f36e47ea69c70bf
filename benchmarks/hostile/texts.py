"""Texts that must be refused or tagged, with the code, and texts that look like them and are sound.

Tokens and numbers are made up here in the shapes that their makers give; none was ever anybody's.
"""

from __future__ import annotations

import base64
import json
import time

_LETTERS = "aB3dE5gH7jK9mN1pQ2sT4vW6yZ8bC0fG"


def _token(length: int) -> str:
    return (_LETTERS * 10)[:length]


def _jwt(**claims: object) -> str:
    parts = ({"alg": "HS256", "typ": "JWT"}, {"sub": "1234567890", **claims})
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*encoded, _token(43)])


def _pem(kind: str) -> str:
    return f"-----BEGIN {kind}-----\n{_token(64)}\n{_token(64)}\n-----END {kind}-----"


#: Each refuses the whole batch.
SECRETS = [
    _pem("RSA PRIVATE KEY"),
    _pem("PRIVATE KEY"),
    _pem("OPENSSH PRIVATE KEY"),
    _pem("EC PRIVATE KEY"),
    _pem("PGP PRIVATE KEY BLOCK"),
    f"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0F\n\n{_token(64)}\n",
    f'key = "-----BEGIN PRIVATE KEY-----\\n{_token(64)}\\n"',
    f"AGE-SECRET-KEY-1{_token(58).upper()}",
    "AKIA" + "Q3EGUI7ZP5XKLM2V",
    "my id is ASIA" + "Q3EGUI7ZP5XKLM2V.",
    f'aws_secret_access_key = "{_token(40)}"',
    f"ghp_{_token(36)}",
    f"token:gho_{_token(36)}",
    f"github_pat_{_token(22)}_{_token(59)}",
    f"glpat-{_token(20)}",
    f"sk-{_token(48)}",
    f"sk-proj-{_token(40)}-{_token(60)}",
    f"sk-ant-api03-{_token(93)}AA",
    f"sk_live_{_token(24)}",
    f"xoxb-123456789012-1234567890123-{_token(24)}",
    f"https://hooks.slack.com/services/T0ABCDEFGH/B0ABCDEFGHI/{_token(24)}",
    f"hf_{_token(34)}",
    f"AIza{_token(35)}",
    f"GOCSPX-{_token(28)}",
    f"npm_{_token(36)}",
    f"pypi-AgEIcHlwaS5vcmc{_token(80)}",
    f"SG.{_token(22)}.{_token(43)}",
    f"dop_v1_{'0f' * 32}",
    _jwt(exp=int(time.time()) + 3600),
]

#: (code, text): each refuses its row.
REFUSED = [
    *(("CONTROL", text) for text in (
        "bell\x07", "\x1b[31mred", "null\x00", "delete\x7f", "back\x08space", "form\x0cfeed",
        "Nice!\U000e0041\U000e0042", "\U0001f600\U000e0101\U000e0122\U000e0133",
        "\U0001f3f4\U000e0041\U000e0042",
    )),
    *(("BIDI", text) for text in (
        "user\u202etxt.exe", "a\u2066b\u2069", "\u202bembedded\u202c", "access\u2067level\u2069",
    )),
    *(("SPECIAL_TOKEN", f"Seven.{token}") for token in (
        "<|endoftext|>", "<|im_start|>", "<|reserved_special_token_7|>", "<|START_OF_TURN_TOKEN|>",
        "<|user|>",
        "<｜begin▁of▁sentence｜>", "<s>", "</s>", "[INST]", "[/INST]", "<<SYS>>", "<</SYS>>", "<pad>",
        "[PAD]", "<bos>",
        "<eos>", "<unk>", "<UNK>", "[CLS]", "[MASK]", "<mask>", "<start_of_turn>", "<end_of_turn>",
        "<extra_id_0>",
        "<fim_prefix>", "[TOOL_CALLS]", "<unused42>", "[unused1]", "[gMASK]",
    )),
    *(("TEMPLATE", text) for text in (
        "Fine.\n\nHuman: And now?", "Human: Hi\n\nAssistant: Hello", "Assistant: Sure!",
        "Sure.\n  ASSISTANT: more",
        "### Instruction:\nSay hi\n### Response:\nHi", "### Human: hi", "##Response: hi", "Dear {{prompt}},",
        "Answer to {{ question }} is", "{{ bos_token }}{{ messages[0] }}", "{{ input | upper }}",
        "{% for m in messages %}{{ m }}{% endfor %}", "{%- if add_generation_prompt %}x", "{{7*7}}",
        "{{ 7 * '7' }}",
        "{{ ''.__class__.__mro__ }}", "{{ self.__init__.__globals__ }}", "`code` and {{prompt}}",
        "```\nopen {{prompt}}",
    )),
    *(("PII", text) for text in (
        "Write to jane.doe@gmail.com.", "mailto:j-d+x@mail.example.co.uk", "JOHN@FIRM.ORG", "(o'neil@web.de)",
        "müller@bücher.de", "x@xn--bcher-kva.com", "bob@example.com", "ann@uni-mainz.de, please",
        "My card is 4111 1111 1111 1111.", "5500-0000-0000-0004", "378282246310005", "3782 822463 10005",
        "6011111111111117", "3530111333300000", "30569309025904", "4242424242424242", "2223003122003222",
        "Call +1 415 555 2671", "+14155552671", "+1 (415) 555-2671", "+49 30 901820", "+4915112345678",
        "+44 20 7946 0958",
        "+44 (0)20 7946 0958", "+33 6 12 34 56 78", "+91 98765 43210", "+86 138 0013 8000",
        "tel:+41-44-668-18-00",
        "+39 06 6982 1234", "(415) 555-2671", "415-555-2671", "1-800-555-0199", "415.555.2671",
        "020 7946 0958",
        "07700 900123", "0161 496 0000", "06 12 34 56 78", "01.42.68.53.00", "0171 1234567",
    )),
]  # fmt: skip

#: (tag, text): each is accepted with that tag alone.
TAGGED = [
    *(("ZW", text) for text in (
        "pass\u200bword", "a\u200db", "ig\u200cnore", "pay\u2060pal", "in\ufeffside", "при\u200bвет",
        "سل\u200bام", "x\u200b\u200cy",
    )),
    *(("HOMOGLYPH", text) for text in (
        "p\u0430ypal", "\u0440\u0430ypal", "g\u043e\u043egle.com", "\u0391pple", "micr\u03bfsoft",
        "\u03b1dmin", "p\u03b1ypal",
        "ad\u043cin", "пpивет", "h\u0435llo", "c\u0585m", "\u13a2BM", "sch\u043e\u0301ol",
    )),
    *(("FORMULA", text) for text in (
        "=cmd|' /C calc'!A0", "=1+1", "+1+cmd|' /C calc'!A0", "-2+3+cmd", "@SUM(1+1)",
        "  =HYPERLINK(\"x\")", "\t=1",
        "＝1＋1", "- an item", "@name says so",
    )),
    *(("HTML", text) for text in (
        "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<b>bold</b>", "a<br>b",
        "<a href='x'>y</a>", "<DIV>",
        "<svg/onload=alert(1)>", "<!-- hidden -->", "<iframe src=//x>", "[x](javascript:alert(1))",
        "<!DOCTYPE html>",
        "<?php echo 1; ?>", "5 <sup>2</sup>", "<object data='x'>", "one<em>two</em>", "<p>Fine.</p>",
    )),
]  # fmt: skip

#: Sound, and accepted without a tag.
LEGITIMATE = [
    # words, numbers, letters
    '"NA"', "NaN", "null", "None", "0", "-5", "+3.5", "-12 %", "é", "e\u0301", "naïve café",
    "Ｆｕｌｌ－ｗｉｄｔｈ ｌｅｔｔｅｒｓ",
    "👍", "👩\u200d👩\u200d👧 🏳️\u200d🌈 ❤️",
    "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "葛\U000e0100城",
    "שלום \u200f עולם \u200e", "مرحبا بالعالم", "می\u200cخواهم", "क्\u200dष और न्\u200cन", "ภาษา\u200bไทย",
    "ខ្មែរ\u200bភាសា", "中文和Python语言", "iPhoneを買う",
    "PDFка и IT-отдел", "Привет, world!", "Windows'а",
    "μm, kΩ, Δx, πr², TNFα, IFNγ, hν, E = mc², sinα + cosβ, ∆G", "ß→ss",
    "soft\u00adhyphen", "\ufeffmark at the start", "\x85\x92 C1 from an old codepage", "tabs\tand\r\nlines",
    "../../etc/passwd",
    # markup and code
    "a < b > c", "if x<y and y>z:", "List<input>, Set<option>",
    "List<String>, vector<int>, Map<string, object>, Promise<object>",
    "#include <map>",
    "#include <stdio.h>", "I <3 you", "<https://example.org/a?b=c>", "&lt;script&gt;",
    "a <| b |> c, f <|> g", "x << 2 >> 1",
    "[INSTALL] [Sep] [inst] list[INT]", "[1] [x] [link](https://x.org)", "<T>(x: T) => x",
    "<name> of the <thing>",
    "In javascript: use let.", "def f(): return {'a': {'b': 1}}", "for (;;) {}",
    "@decorator\ndef f(): ..."[1:],
    # templates
    "`{{ prompt }}` is filled in", "```jinja\n{% for m in messages %}{{ m }}{% endfor %}\n```",
    "${{ secrets.TOKEN }}",
    "{{ message }} in Vue", r"\frac{{a}}{{b}}", "f'{{literal}}'", "{{1, 2}, {3, 4}}",
    "style={{color: 'red'}}", "100 {%} off",
    "The Human: a history", "Every human: equal.", "Is it the Assistant: or the manager?",
    "User: admin\nPassword: none",
    "System: Windows 11", "Assistant::run()", "### Summary:\nShort.", "### Instructions:\n1. Mix.",
    "Question: why?\nAnswer: so.",
    "assistant: lower case is a key of YAML", "```\nHuman: hi\nAssistant: ho\n```",
    # addresses
    "@mention"[1:] + " and @mention, @user@mastodon.social", "git@github.com:a/b.git",
    "https://user:secret@host.org/x",
    "npm i @scope/pkg@1.2.3", "uses: actions/checkout@v4", "A@B.T", "W@x.reshape(2)", "A @ B.com",
    "icon@2x.png", "me at home dot org",
    "x@y", "image@sha256:0f0f", "a.b.c@", "so @.com", "@app.route"[1:],
    # numbers
    "2024-01-15 10:30:00", "2024-01-15T08:00:00+00:00", "15.01.2024 - 16.01.2024", "1.234.567,89 €",
    "$1,234,567.89", "about +10 000 000",
    "978-3-16-148410-0", "9783161484100", "ISBN 0-306-40615-2", "v1.2.3", "10.0.19045.4046",
    "192.168.100.200", "127.0.0.1:8080",
    "1700000000000", "1234567890123456", "4111111111111112", "4828147466240000*t**12 + 1",
    "4111 1111 1111 1112",
    "1 2 3 4 5 6 7 8 9 10 11 12", "01 02 03 04 05 06",
    "at +48.8583701, +2.2944813", "48.8583701", "3.14159265358979", "6.02214076e23",
    "550e8400-e29b-41d4-a716-446655440000",
    "555-1234", "1+2+3+4+5+6+7+8+9", "x+12345678901", "0123456789", "2147483647", "1-2-3-4-5-6-7-8-9",
    "10-20-30", "2023-2024",
    "DOI 10.1000/182", "1e10", "911", "12:30-14:45", "0.1 + 0.2 = 0.30000000000000004", "4 8 15 16 23 42",
    # what looks like a secret
    "Key:\n-----BEGIN PUBLIC KEY-----\n" + _token(64),
    "Key:\n-----BEGIN RSA PRIVATE KEY-----\n...\n-----END RSA PRIVATE KEY-----",
    "Key:\n-----BEGIN CERTIFICATE-----\n" + _token(64), "A file begins with -----BEGIN PRIVATE KEY-----.",
    "AKIA",
    "AKIAXXXXXXXXXXXXXXXX", "sk-...",
    "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "ghp_short", "task-based risk-averse desk-" + _token(40),
    "sk-container-id-1", "hf_hub_download",
    "sk_test_" + _token(24), "xoxo-hugs", "npm_config_cache", "eyJhbGciOi",
    _jwt(iat=1516239022, name="John"), _jwt(exp=1516239022),
    "git commit da39a3ee5e6b4b0d3255bfef95601890afd80709",
]  # fmt: skip
