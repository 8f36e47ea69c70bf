"""What a sender says of a file beside it, held against the file."""

import json

import pytest
from batch_files import PAIR, lines, pairs
from life_case import hold

from components.feedback.life.decisions import refuse, release
from components.feedback.manifest import manifest_of
from components.feedback.reasons import BatchError
from components.files import digest_tree, sha256_file


def _declared(workspace, name="b.jsonl", **said):
    path = workspace.write(name, lines(pairs(3, annotator=name)))
    workspace.write(f"{name}.declared.json", json.dumps(said))
    return path


def test_a_file_as_it_was_declared(workspace):
    path = _declared(workspace, batch="vendor-7", rows=3, schema_version=1)
    workspace.write("b.jsonl.sha256", f"{sha256_file(path)}  b.jsonl\n")
    result = workspace.ingest(path)
    assert result.status == "accepted"
    assert workspace.manifest(result)["declared"] == "vendor-7"
    assert workspace.ingest(path).status == "already_ingested"


@pytest.mark.parametrize(
    ("said", "code", "told"),
    [
        ({"rows": 4}, "DIGEST", "b.jsonl has 3 rows, declared are 4"),
        ({"sha256": "0" * 64}, "DIGEST", "declared is 0000000000000000..."),
        ({"sha256": "short"}, "DIGEST", "is none"),
        ({"rows": "3"}, "DIGEST", "rows is no int"),
        ({"rows": True}, "DIGEST", "rows is no int"),
        ({"schema_version": 9}, "SCHEMA_VER", "schema_version is '9'"),
        ({"batch": "../x"}, "PATH", "leads elsewhere"),
        ({"batch": 7}, "DIGEST", "batch is no str"),
        ({"licence": 7}, "DIGEST", "licence is no str"),
        ({"licence": ""}, "DIGEST", "licence '' is no name of a licence"),
        ({"licence": "MIT\x1b[31m"}, "DIGEST", "is no name of a licence"),
        ({"licence": "M\u0406T"}, "DIGEST", "is no name of a licence"),
        ({"licence": "| a | b |"}, "DIGEST", "is no name of a licence"),
        ({"licence": "x" * 101}, "DIGEST", "is no name of a licence"),
        ({"licence": "MIT", "license": "Apache-2.0"}, "DIGEST", "licence and license differ"),
    ],
)
def test_a_file_that_is_not_what_was_declared(workspace, said, code, told):
    result = workspace.ingest(_declared(workspace, **said))
    assert (result.status, result.reasons) == ("rejected", {code: 1})
    assert told in result.message


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ({"licence": "CC-BY-4.0"}, "CC-BY-4.0"),
        ({"license": "mit"}, "mit"),
        ({"licence": "MIT", "license": "MIT"}, "MIT"),
        ({"licence": "LGPL-2.1-only OR (BSD-3-Clause AND MIT+)"}, "LGPL-2.1-only OR (BSD-3-Clause AND MIT+)"),
        ({"licence": "DocumentRef-a:LicenseRef-Vendor-7"}, "DocumentRef-a:LicenseRef-Vendor-7"),
        ({"licence": None}, None),
        ({}, None),
    ],
)
def test_a_declared_licence_is_kept(workspace, said, kept):
    assert workspace.manifest(workspace.ingest(_declared(workspace, **said)))["licence"] == kept


def test_a_manifest_from_before_licences_is_read(workspace):
    content = workspace.manifest(workspace.ingest(_declared(workspace)))
    del content["licence"]
    assert manifest_of(content, "manifest.json").licence is None


@pytest.mark.parametrize("content", ["{", "[]", '{"rows": 3, "rows": 3}', b"\xff", "1" * 70_000])
def test_a_declaration_that_is_none(workspace, content):
    path = workspace.write("b.jsonl", lines([PAIR]))
    workspace.write("b.jsonl.declared.json", content)
    assert workspace.ingest(path).reasons == {"DIGEST": 1}


def test_a_sum_of_other_bytes(workspace):
    path = workspace.write("b.jsonl", lines([PAIR]))
    workspace.write("b.jsonl.sha256", "f" * 64)
    assert workspace.ingest(path).reasons == {"DIGEST": 1}


def test_a_name_stands_for_the_bytes_that_came_first(workspace):
    first = workspace.ingest(_declared(workspace, batch="vendor-7"))
    other = workspace.ingest(_declared(workspace, "other.jsonl", batch="vendor-7"))
    assert (other.status, other.reasons) == ("rejected", {"ID_REUSE": 1})
    assert first.batch in other.message
    assert workspace.ingest(_declared(workspace, "third.jsonl", batch="vendor-8")).status == "accepted"


@pytest.mark.parametrize("is_refused", [False, True])
def test_a_name_that_another_file_took_while_a_batch_waited(workspace, is_refused):
    workspace.write("held.jsonl.declared.json", json.dumps({"batch": "vendor-7"}))
    waits = hold(workspace)
    if is_refused:
        refuse(workspace.root, waits.batch, "one person")
    taker = workspace.ingest(_declared(workspace, batch="vendor-7"))
    before = digest_tree(workspace.root)
    with pytest.raises(BatchError) as error:
        release(workspace.root, waits.batch, "she is our expert")
    assert (error.value.code, error.value.message) == (
        "ID_REUSE",
        f"held.jsonl is declared as batch 'vendor-7', which came with other bytes as {taker.batch}",
    )
    stays = "refused" if is_refused else "held"
    assert error.value.remedy.endswith(f"this one stays {stays}")
    assert digest_tree(workspace.root) == before


def test_a_name_of_its_own_is_no_hindrance(workspace):
    workspace.write("held.jsonl.declared.json", json.dumps({"batch": "vendor-7"}))
    waits = hold(workspace)
    workspace.ingest(_declared(workspace, batch="vendor-8"))
    assert release(workspace.root, waits.batch, "she is our expert").accepted == 40


@pytest.mark.parametrize("name", ["%2e%2e%2fb.jsonl", "..%5cb.jsonl"])
def test_a_name_that_would_be_a_path(workspace, name):
    assert workspace.ingest(workspace.write(name, lines([PAIR]))).reasons == {"PATH": 1}


def test_a_pickle_is_not_read(workspace):
    import pickle

    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        content = pickle.dumps([PAIR], protocol=protocol)
        assert workspace.ingest(workspace.write(f"b{protocol}.jsonl", content)).reasons == {"PICKLE": 1}


def test_a_pickle_in_a_column_of_parquet(workspace):
    import pickle

    import pyarrow as pa
    import pyarrow.parquet as pq

    path = workspace.folder / "b.parquet"
    table = pa.table({**{name: [text] for name, text in PAIR.items()}, "blob": [pickle.dumps([1])]})
    pq.write_table(table, path)
    assert workspace.ingest(path).reasons == {"PICKLE": 1}
