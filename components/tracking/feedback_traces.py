"""Feedback that people gave on traces in MLflow, as files that the ordinary ingestion takes.

One file for each kind of judgement that is found, its rows in the order of the traces: the same feedback is the
same bytes. What is left out is counted, with the reason and what to do about it.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from components.errors import FeedbackError
from components.feedback.sources.address import Address
from components.feedback.sources.spool import Delivery, RowFile, file_name
from components.tracking.assessment_meanings import KINDS, Kind, Meanings
from components.tracking.assessment_records import annotator_of, record_of
from components.tracking.left_out import LeftOutError, Tally
from components.tracking.rating_scales import RatingScales
from components.tracking.tracker import mlflow_errors, open_client

_PAGE = 200
_READERS = 8
_SOURCES = {"human": "HUMAN", "judge": "LLM_JUDGE", "code": "CODE"}


@dataclass(frozen=True)
class Found:
    """Files for ingestion, and what a person should know of what is not in them."""

    deliveries: list[Delivery]
    notes: list[str]


@dataclass(frozen=True)
class _Judged:
    """An assessment that is to become a record of a kind."""

    assessment: Any
    kind: Kind


def fetch(root: Path, address: Address, folder: Path) -> Found:
    """Read the feedback of an experiment into `folder`.

    Raises:
        FeedbackError: there is no such experiment, or the disk refuses.
        RegistryError: MLflow cannot be reached.
    """
    client = open_client(root)
    with mlflow_errors():
        experiment = _experiment(client, address)
        return _Fetching(client, experiment, address, folder).run()


class _Fetching:
    def __init__(self, client: Any, experiment: str, address: Address, folder: Path) -> None:
        self._client = client
        self._experiment = experiment
        self._address = address
        self._folder = folder
        self._meanings = Meanings.of(address)
        self._wanted = _wanted_sources(address)
        self._scales = RatingScales(experiment, address.options.get("scale"))
        self._tally = Tally()
        self._files: dict[Kind, RowFile] = {}

    def run(self) -> Found:
        with ExitStack() as open_files, ThreadPoolExecutor(_READERS) as readers:
            for page in self._pages():
                for trace, judged in self._with_traces(page, readers):
                    for one in judged:
                        self._write(one, trace, open_files)
        deliveries = [
            Delivery(file.path, f"mlflow://{self._address.name}/{kind}.jsonl", kind)
            for kind in KINDS
            if (file := self._files.get(kind)) is not None
        ]
        return Found(deliveries, self._tally.notes(str(self._address)))

    def _pages(self) -> Iterator[list[Any]]:
        """Traces without their spans, the oldest first: what comes in meanwhile is behind the last page."""
        search = partial(
            self._client.search_traces,
            locations=[self._experiment],
            filter_string=self._address.options.get("filter"),
            order_by=["timestamp_ms ASC"],
            max_results=_PAGE,
            include_spans=False,
        )
        page = search()
        yield page
        while page.token:
            page = search(page_token=page.token)
            yield page

    def _with_traces(
        self, page: list[Any], readers: ThreadPoolExecutor
    ) -> Iterator[tuple[Any, list[_Judged]]]:
        """Traces that somebody judged, with their spans, and the judgements that count."""
        judged = {trace.info.trace_id: found for trace in page if (found := self._judgements(trace.info))}
        # Only of these the spans: they are most of a trace.
        for trace_id, trace in zip(judged, readers.map(self._trace, judged), strict=True):
            if trace is not None:
                yield trace, judged[trace_id]
                continue
            for one in judged[trace_id]:
                self._tally.add("the trace's spans cannot be read", one.assessment)

    def _trace(self, trace_id: str) -> Any:
        from mlflow.exceptions import MlflowTraceDataException

        try:
            return self._client.get_trace(trace_id, display=False)
        except MlflowTraceDataException:
            return None

    def _judgements(self, info: Any) -> list[_Judged]:
        """Of a person's judgements of one thing under one name the newest, in the order they were made."""
        newest: dict[Any, _Judged] = {}
        for assessment in sorted(info.assessments, key=_age):
            try:
                one = _Judged(assessment, self._kind(assessment))
            except LeftOutError as reason:
                self._tally.add(reason.why, assessment, reason.remedy)
                continue
            who = annotator_of(assessment) or ("nobody named", assessment.assessment_id)
            key = (who, assessment.name, assessment.span_id, one.kind)
            if key in newest:
                self._tally.add("the same person judged again later", newest.pop(key).assessment)
            newest[key] = one
        return list(newest.values())

    def _kind(self, assessment: Any) -> Kind:
        if assessment.feedback is None and assessment.expectation is None:
            raise LeftOutError("it names an issue and judges nothing")
        if assessment.source.source_type not in self._wanted:
            raise LeftOutError(
                "a program judged, not a person", "add ?sources=human,judge,code to take these too"
            )
        if assessment.valid is False:
            raise LeftOutError("somebody overrode it")
        part = assessment.feedback or assessment.expectation
        if part.value is None or getattr(part, "error", None):
            raise LeftOutError("it has no value")
        return self._meanings.kind_of(assessment.name, part.value)

    def _write(self, one: _Judged, trace: Any, open_files: ExitStack) -> None:
        try:
            inputs, outputs = _texts(trace, one.assessment.span_id)
            scale = self._scales.of(one.assessment) if one.kind == "rating" else None
            record = record_of(one.assessment, one.kind, inputs, outputs, scale, self._meanings)
        except LeftOutError as reason:
            self._tally.add(reason.why, one.assessment, reason.remedy)
            return
        self._file(one.kind, open_files).write(record)

    def _file(self, kind: Kind, open_files: ExitStack) -> RowFile:
        if kind not in self._files:
            self._files[kind] = RowFile(self._folder / file_name("mlflow", self._address.name, kind))
            open_files.callback(self._files[kind].close)
        return self._files[kind]


def _experiment(client: Any, address: Address) -> str:
    """The id of the experiment that is named so, or has this id."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(address.name)
    if found is None and address.name.isdigit():
        try:
            found = client.get_experiment(address.name)
        except MlflowException:
            found = None
    if found is None:
        names = ", ".join(ascii(other.name)[1:-1] for other in client.search_experiments(max_results=10))
        what = f"MLflow has no experiment {address.name[:80]!a}; it has {names or 'none'}"
        raise FeedbackError(what, "name one of them, or set MLFLOW_TRACKING_URI to the server that has it")
    return str(found.experiment_id)


def _wanted_sources(address: Address) -> frozenset[str]:
    named = address.listed("sources") or frozenset({"human"})
    unknown = sorted(named - _SOURCES.keys())
    if unknown:
        raise FeedbackError(
            f"{address} names the source {unknown[0][:40]!a}", f"sources are {', '.join(_SOURCES)}"
        )
    return frozenset(_SOURCES[name] for name in named)


def _age(assessment: Any) -> tuple[int, int, str]:
    return assessment.last_update_time_ms, assessment.create_time_ms, assessment.assessment_id


def _texts(trace: Any, span_id: str | None) -> tuple[Any, Any]:
    """Inputs and outputs of what was judged: of one span, or of the whole, which is its first."""
    spans = trace.data.spans
    wanted = [span for span in spans if (span.span_id == span_id if span_id else span.parent_id is None)]
    if not wanted:
        raise LeftOutError("the trace has no such span")
    return wanted[0].inputs, wanted[0].outputs
