"""Mark and sweep of DVC's cache on made-up caches: whatever names whatever, what is needed stays and nothing else."""

import json

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.cleaning.dvc_objects import old_objects, stores
from components.cleaning.item import Policy
from components.cleaning.references import named, with_members
from components.config.retention import RetentionParams
from components.errors import RlhfError
from components.files import write_text
from components.tracking.dvc_cache import CACHE, cached

NOW = Policy(
    RetentionParams(candidates=1, production=2, grace_days=0, runs_days=0, logs_days=0), now=4_000_000_000.0
)
files = st.integers(0, 30).map(lambda number: f"{number:032x}")
folders = st.dictionaries(
    st.integers(0, 9).map(lambda number: f"{number:032x}.dir"), st.sets(files, max_size=5), max_size=6
)


def write_cache(root, loose, listings):
    for md5 in {*loose, *(each for members in listings.values() for each in members)}:
        write_text(cached(root, md5), md5)
    for md5, members in listings.items():
        write_text(
            cached(root, md5), json.dumps([{"relpath": each, "md5": each} for each in sorted(members)])
        )
    for path in (root / CACHE).glob("??/*"):
        path.chmod(0o444)


def in_cache(root):
    return {path.parent.name + path.name for path in (root / CACHE).glob("??/*")}


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(loose=st.sets(files), listings=folders, data=st.data())
def test_what_is_needed_stays_and_nothing_else(tmp_path_factory, loose, listings, data):
    root = tmp_path_factory.mktemp("cache")
    write_cache(root, loose, listings)
    there = in_cache(root)
    roots = data.draw(st.sets(st.sampled_from(sorted(there)))) if there else set()
    write_text(
        root / "dvc.lock", yaml.safe_dump({"stages": {"a": {"outs": [{"md5": md5} for md5 in roots]}}})
    )
    needed = with_members(named(root, []), stores(root))
    for item in old_objects(root, needed, NOW):
        item.remove()
    members = {each for md5 in roots for each in listings.get(md5, ())}
    assert in_cache(root) == roots | members


def test_a_lineage_names_files_even_if_the_listing_is_gone(tmp_path):
    rows, gone = "1" * 32, "2" * 32 + ".dir"
    write_cache(tmp_path, {rows}, {})
    lineage = {"feedback": gone, "dvc": {"models/sft": ""}, "feedback_files": {"b/rows-00000.parquet": rows}}
    assert with_members(named(tmp_path, [lineage]), stores(tmp_path)) == {rows, gone}


def test_a_needed_listing_that_cannot_be_read_stops_everything(tmp_path):
    md5 = "3" * 32 + ".dir"
    write_text(cached(tmp_path, md5), "cut off in the mid")
    with pytest.raises(RlhfError, match="is no listing of DVC's any more"):
        with_members({md5}, stores(tmp_path))


def test_a_cache_that_lies_elsewhere_is_left_alone(tmp_path):
    shared = tmp_path / "shared"
    write_text(shared / "11/11", "others use it")
    root = tmp_path / "root"
    (root / CACHE).parent.mkdir(parents=True)
    (root / CACHE).symlink_to(shared)
    assert stores(root) == []


def test_what_an_earlier_commit_of_a_version_had_at_hand_stays(tmp_path):
    import subprocess

    md5 = "4" * 32
    write_text(tmp_path / "dvc.lock", yaml.safe_dump({"stages": {"a": {"outs": [{"md5": md5}]}}}))
    git = ["git", "-C", str(tmp_path), "-c", "user.name=t", "-c", "user.email=t@t"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *words], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    (tmp_path / "dvc.lock").unlink()
    subprocess.run([*git, "commit", "-qam", "second"], check=True)
    assert named(tmp_path, []) == set()
    lineage = {"git_commit": f"{head.stdout.strip()}-dirty", "feedback": "", "dvc": {}}
    assert named(tmp_path, [lineage]) == {md5}
