"""What a retraining says of a stage that a worker ran."""

from types import SimpleNamespace

import pytest
from prefect.states import Crashed, Failed
from stages.small_project import write_params

from components.errors import StageFailedError, StoppedError
from flows.stage_errors import GOES_ON
from flows.workers import pools, stage_run

WORDS = "stage ppo stopped: told to end after step 7: the checkpoint of step 7 is kept"


def ended(state):
    return SimpleNamespace(name="ppo", state=state)


def test_a_stage_that_was_told_to_end_on_its_worker_has_not_failed(tmp_path, prefect_server, monkeypatch):
    write_params(tmp_path)

    def stop(root, name):
        raise StoppedError(WORDS, GOES_ON)

    monkeypatch.setattr(stage_run, "own_project", lambda: tmp_path)
    monkeypatch.setattr(stage_run, "_run", stop)
    state = stage_run.stage("ppo", return_state=True)
    assert (state.type.value, state.name) == ("FAILED", "Stopped")
    with pytest.raises(StoppedError) as caught:
        pools._status_of("ppo", ended(state))
    assert (caught.value.message, caught.value.remedy) == (WORDS, GOES_ON)


def test_a_worker_whose_machine_was_told_to_end_stops_its_stage():
    state = Crashed(message="Execution was aborted by a termination signal.")
    with pytest.raises(StoppedError, match="stage ppo stopped: its worker was told to end"):
        pools._status_of("ppo", ended(state))


@pytest.mark.parametrize(
    "state", [Failed(message="stage ppo failed: no loss"), Crashed(message="exited with status code 137")]
)
def test_whatever_else_ends_it_is_a_failure(state):
    with pytest.raises(StageFailedError, match=r"^stage ppo failed: (no loss|exited)"):
        pools._status_of("ppo", ended(state))
