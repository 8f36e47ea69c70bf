"""The built site: nothing in it reaches out, and a real browser shows it."""

from __future__ import annotations

import json
import re
import shutil
import time
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace

import pytest
from collecting.keyboard import visit
from docs_building import build
from docs_texts import PAGES, ROOT
from mkdocs.exceptions import PluginError
from pages.browser import needs_browser
from pages.html_page import Page

from docs.hooks import made_pages, on_page_content

#: Attributes by which a page loads something, unlike a link that a person follows.
LOADS = {
    ("link", "href"), ("script", "src"), ("img", "src"), ("img", "srcset"), ("source", "src"), ("iframe", "src"),
    ("embed", "src"), ("object", "data"), ("video", "src"), ("audio", "src"), ("use", "href"), ("image", "href"),
    ("form", "action"), ("input", "src"), ("track", "src"),
}  # fmt: skip
OUTSIDE = re.compile(r"^(?:\w+:)?//")
#: What the theme's script names but loads only for an element that no page has, or for browsers before 2020; the page's
#: content policy refuses it besides. The others are licences.
NAMED = {
    "https://unpkg.com/mermaid@11/dist/mermaid.min.js": 'class="mermaid"',
    "https://api.github.com/repos/${e}/${t}": 'data-md-component="source"',
    "https://api.github.com/users/${e}": 'data-md-component="source"',
    "https://${e}/api/v4/projects/${encodeURIComponent": 'data-md-component="source"',
    "https://unpkg.com/resize-observer-polyfill": None,
    "https://clipboardjs.com/": None,
    "http://lunrjs.com": None,
    "http://tartarus.org/~martin/PorterStemmer/js.txt": None,
    "https://bit.ly/2s3ChXG": None,
}
POLICY = "default-src 'self'; script-src 'self' 'unsafe-inline'"
PHONE, DESKTOP = (400, 850), (1280, 900)


def html_pages(site: Path) -> list[Path]:
    return sorted(site.rglob("*.html"))


def test_every_page_is_built(site):
    sources = {str(path.relative_to(ROOT / "docs/pages")) for path in PAGES} | made_pages(ROOT).keys()
    wanted = {name.removesuffix(".md").replace("README", "index") for name in sources if name.endswith(".md")}
    built = {str(path.relative_to(site)).removesuffix(".html") for path in html_pages(site)}
    assert built == wanted | {"404"}


def test_a_page_loads_nothing_from_elsewhere(site):
    for path in html_pages(site):
        page = Page(path.read_text("utf-8"))
        loaded = [value for tag, name, value in page.attributes if (tag, name) in LOADS]
        assert loaded, path
        assert [value for value in loaded if OUTSIDE.match(value)] == [], path
        assert [value for tag, name, value in page.attributes if name in ("ping", "background")] == []


def test_styles_load_nothing_from_elsewhere(site):
    styles = [*site.rglob("*.css"), *html_pages(site)]
    assert len(styles) > 10
    for path in styles:
        text = path.read_text("utf-8")
        addresses = re.findall(r"url\(\s*['\"]?([^'\")]+)", text) + re.findall(
            r"@import\s+['\"]([^'\"]+)", text
        )
        assert [found for found in addresses if OUTSIDE.match(found)] == [], path


def test_scripts_name_no_other_address_than_those_known(site):
    pages = [path.read_text("utf-8") for path in html_pages(site)]
    scripts = [
        *site.glob("assets/javascripts/bundle.*.js"),
        *site.glob("assets/javascripts/workers/search.*.js"),
    ]
    assert len(scripts) == 2
    found = {
        name for path in scripts for name in re.findall(r"https?://[^\s\"'`\\()<>]+", path.read_text("utf-8"))
    }
    assert found <= NAMED.keys()
    assert not any(element in page for page in pages for element in filter(None, NAMED.values()))
    assert all(f'http-equiv="Content-Security-Policy" content="{POLICY}' in page for page in pages)


def test_a_broken_link_ends_the_build(tmp_path):
    for name in ("docs", "deploy"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("README.md", "params.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    with (tmp_path / "docs/pages/index.md").open("a") as page:
        page.write(
            "\n[x](tutorail.md) [x](tutorial.md#nowhere) [x](/tutorial.md) [x](reference/params.md#pop)\n"
        )
    built = build(tmp_path, tmp_path / "site")
    told = built.stdout + built.stderr
    assert built.returncode != 0
    for mistake in ("'tutorail.md'", "'#nowhere'", "'/tutorial.md'", "'#pop'"):
        assert mistake in told


def test_a_formula_that_is_none_ends_the_build():
    page = SimpleNamespace(file=SimpleNamespace(src_uri="method.md"))
    with pytest.raises(PluginError, match=r"method\.md: not made into MathML: \\nosuch"):
        on_page_content(r'<span class="arithmatex">\(\nosuch{x}\)</span>', page)


def test_every_formula_is_mathml(site):
    method = (site / "method.html").read_text("utf-8")
    source = re.sub(r"```.*?```", "", (ROOT / "docs/pages/method.md").read_text("utf-8"), flags=re.DOTALL)
    blocks = source.count("$$") // 2
    inline = re.sub(r"\$\$.*?\$\$", "", source, flags=re.DOTALL).count("$") // 2
    assert method.count("<math ") == blocks + inline > 60
    assert method.count('class="formula"') == blocks > 15
    assert not any("arithmatex" in path.read_text("utf-8") for path in html_pages(site))


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_formulas_are_drawn_in_both_palettes(tab, address, scheme):
    tab.looks(scheme, *DESKTOP)
    tab.requests.clear()
    tab.faults.clear()
    visit(tab, f"{address}/method.html")
    until(tab, f"document.body.dataset.mdColorScheme === {'default' if scheme == 'light' else 'slate'!r}")
    # Drawn as a formula: the fraction is higher than a line of text, and is of the text's colour.
    fraction = "document.querySelector('.formula mfrac')"
    assert tab.ask(f"{fraction}.getBoundingClientRect().height") > 30
    assert tab.ask(
        f"getComputedStyle({fraction}).color === getComputedStyle(document.querySelector('article p')).color"
    )
    background = "getComputedStyle(document.body).backgroundColor"
    assert (tab.ask(f"{background} === 'rgb(255, 255, 255)'")) is (scheme == "light")
    assert [found for found in tab.requests if not found.startswith((address, "data:"))] == []
    assert tab.faults == []


@needs_browser
def test_what_a_page_would_load_from_elsewhere_is_refused(tab, address):
    visit(tab, f"{address}/index.html")
    tab.ask(
        "refused = []; addEventListener('securitypolicyviolation', event => refused.push(event.effectiveDirective));"
        "for (const [tag, name] of [['script', 'src'], ['img', 'src'], ['link', 'href'], ['iframe', 'src']]) {"
        " const made = document.createElement(tag); made.rel = 'stylesheet'; made[name] = 'http://elsewhere.example/x';"
        " document.body.append(made); } fetch('http://elsewhere.example/x').catch(() => 0); 0"
    )
    until(tab, "refused.length >= 5")
    assert tab.ask("[...new Set(refused)].sort().join(' ')") == (
        "connect-src frame-src img-src script-src-elem style-src-elem"
    )


@needs_browser
def test_no_page_is_wider_than_a_phone(tab, address, site):
    tab.looks("light", *PHONE)
    for path in html_pages(site):
        visit(tab, f"{address}/{path.relative_to(site)}")
        assert tab.ask("document.documentElement.scrollWidth <= innerWidth"), path


@needs_browser
def test_the_search_finds_what_is_written(tab, address):
    """From the site's own index, in a script of its own."""
    tab.looks("light", *DESKTOP)
    visit(tab, f"{address}/index.html")
    for word, page in (
        ("Bradley", "method.html"),
        ("retention", "reference/params.html"),
        ("候选模型", "zh/tutorial.html"),
    ):
        tab.ask(f"q = document.querySelector('[data-md-component=search-query]'); q.focus(); q.value = {word!r}; "
                "q.dispatchEvent(new Event('keyup')); 0")  # fmt: skip
        until(tab, f"!!document.querySelector('.md-search-result__item a[href*=\"{page}\"]')")


@needs_browser
@pytest.mark.parametrize(
    ("scheme", "names"),
    [("light", ("index", "tutorial", "reference/params", "zh/tutorial")), ("dark", ("index", "method"))],
)
def test_axe_finds_nothing_in_what_we_wrote(tab, address, scheme, names):
    """Deque's rules for WCAG 2.2 A and AA on the articles; the frame around them, and the names of its buttons for
    copying, are the theme's."""
    source = files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    options = "{rules: {'landmark-unique': {enabled: false}}}"
    tab.looks(scheme, *PHONE)
    for name in names:
        visit(tab, f"{address}/{name}.html")
        tab.ask(f"{source}; 0")
        found = tab.ask(f"axe.run('article', {options}).then(found => JSON.stringify(found.violations))")
        told = [
            (rule["id"], [node["html"][:160] for node in rule["nodes"]][:3]) for rule in json.loads(found)
        ]
        assert told == [], name


def until(tab, condition: str) -> None:
    """Wait until a condition holds in the page."""
    end = time.monotonic() + 20
    while not tab.ask(condition):
        assert time.monotonic() < end, condition
        time.sleep(0.05)
