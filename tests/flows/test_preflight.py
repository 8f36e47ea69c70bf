"""Each check finds what it is for, on real files, ports and processes, and says what to do."""

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time

import pytest
from packaging.requirements import Requirement
from tracking.fake_workspace import PROJECT
from tracking.rlhf_command import Command
from up_workspace import write_bare_workspace

from components.config.servers import ServersParams
from flows.preflight import access, databases, files, gpu, leftovers, machine, ports, remote, versions
from flows.preflight.examine import examine
from flows.preflight.findings import OK, PROBLEM, WARNING, has_problem
from flows.up.orphans import end_marked
from flows.up.programs import MARK

LOCAL = ServersParams()


@pytest.fixture
def root(tmp_path):
    return write_bare_workspace(tmp_path / "workspace")


def only(findings):
    (finding,) = findings
    assert bool(finding.remedy) == (finding.level != OK)
    return finding


def everything_in(folder):
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_the_doctor_finds_a_fit_workspace_fit_and_changes_nothing(root):
    before = everything_in(root)
    done = Command(root)("doctor", "--json")
    told = json.loads(done.out)
    assert (done.returncode, told["fit"]) == (0, True), done.out
    assert {each["level"] for each in told["findings"]} <= {OK, WARNING}
    assert everything_in(root) == before
    assert done.err.splitlines()[-1].startswith("next: `rlhf up`")


def test_a_busy_port_is_told_with_who_holds_it_and_what_to_do(root):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        params = root / "params.yaml"
        text = params.read_text().splitlines()
        kept = [f"  mlflow_port: {port}" if "mlflow_port" in line else line for line in text]
        params.write_text("\n".join(kept))
        rlhf = Command(root)
        done = rlhf("doctor")
        assert done.returncode == 1
        assert f"problem: ports: mlflow: port {port} of 127.0.0.1" in done.out
        assert f"process {os.getpid()} (" in done.out
        assert (
            "remedy: end that process, or set servers.mlflow_port in params.yaml to another port" in done.out
        )
        refused = rlhf("up", "--json")
        assert (refused.returncode, json.loads(refused.out)["running"]) == (1, False)
        assert f"port {port} of 127.0.0.1" in refused.err
        assert "nothing was started" in refused.err
    assert rlhf.left_behind() == []
    assert not (root / ".rlhf/up.json").exists()


def test_one_port_for_two_servers(root):
    found = only(ports.check_ports(root, ServersParams(prefect_port=5000, mlflow_port=5000)))
    assert (found.level, "are both 5000" in found.what) == (PROBLEM, True)


@pytest.mark.parametrize(("times", "level"), [(1e-6, OK), (0.7, WARNING), (1.5, PROBLEM)])
def test_disk(root, times, level):
    asked = shutil.disk_usage(root).free / 1e9 * times
    assert only(files.check_disk(root, ServersParams(min_free_gb=asked))).level == level


def test_a_folder_that_cannot_be_written(root):
    assert only(files.check_folders(root, LOCAL)).level == OK
    # A file in a folder's place, which no user can write into.
    (root / "models").write_text("")
    found = only(files.check_folders(root, LOCAL))
    assert (found.level, str(root / "models") in found.what) == (PROBLEM, True)


def test_libraries_against_the_pins_and_the_declared_ranges(root):
    assert only(versions.check_libraries(PROJECT, LOCAL)).level == OK
    (root / "constraints.txt").write_text("# tested\nprefect==0.1\nnot-ours==1\n")
    found = only(versions.check_libraries(root, LOCAL))
    assert (found.level, "(tested: 0.1)" in found.what, "not-ours" in found.what) == (WARNING, True, False)
    assert versions._broken(Requirement("fastapi>=0.139,<0.151")) == ""
    assert "but the project needs <0.1" in versions._broken(Requirement("fastapi<0.1"))
    assert versions._broken(Requirement("no-such-library")) == "no-such-library is not installed"


def test_a_database_of_a_newer_mlflow_and_one_that_is_none(root):
    assert list(databases.check_databases(root, LOCAL)) == []
    path = root / ".rlhf/mlflow.db"
    path.parent.mkdir()
    with sqlite3.connect(path) as database:
        database.execute("create table alembic_version (version_num text)")
        database.execute("insert into alembic_version values ('dc11669786a5')")
    assert only(databases.check_databases(root, LOCAL)).level == OK
    with sqlite3.connect(path) as database:
        database.execute("update alembic_version set version_num = 'ffffffffffff'")
    found = only(databases.check_databases(root, LOCAL))
    assert (found.level, "a newer one wrote it" in found.what) == (PROBLEM, True)
    path.write_bytes(b"no database" * 100)
    assert "cannot be read" in only(databases.check_databases(root, LOCAL)).what


def test_other_hosts_need_passwords(root, monkeypatch):
    for name in access_names():
        monkeypatch.delenv(name, raising=False)
    assert only(access.check_access(root, LOCAL)).level == OK
    elsewhere = ServersParams(host="192.168.7.7")
    found = only(access.check_access(root, elsewhere))
    assert found.level == PROBLEM
    assert all(name in found.what for name in access_names())
    for name in access_names():
        monkeypatch.setenv(name, "set for this test")
    found = list(access.check_access(root, elsewhere))
    # What is set must be right, too.
    assert found[0].what == "MLFLOW_AUTH_CONFIG_PATH names set for this test, which is not there"
    monkeypatch.setenv("MLFLOW_AUTH_CONFIG_PATH", str(PROJECT / "deploy/mlflow-auth/basic_auth.ini"))
    assert only(access.check_access(root, elsewhere)).level == OK
    everywhere = ServersParams(host="0.0.0.0")  # noqa: S104 - nothing listens
    assert "PREFECT_SERVER_UI_API_URL" in only(access.check_access(root, everywhere)).remedy
    monkeypatch.setenv("PREFECT_SERVER_UI_API_URL", "http://name:4200/api")
    assert only(access.check_access(root, everywhere)).level == OK


def access_names():
    from flows.up.access import REQUIRED

    return list(REQUIRED)


def test_variables_that_lead_elsewhere_are_told_without_their_login(root, monkeypatch):
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://ada:secret@tracking.example")
    found = only(access.check_variables(root, LOCAL))
    assert (found.level, "secret" in found.what) == (WARNING, False)
    assert "https://tracking.example" in found.what
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert only(access.check_variables(root, LOCAL)).level == OK


def test_the_remote(root):
    assert only(remote.check_remote(root, LOCAL)).level == OK
    config = root / ".dvc/config"
    config.write_text("[core]\n    remote = far\n['remote \"far\"']\n    url = azure://bucket/path\n")
    found = only(remote.check_remote(root, LOCAL))
    assert (found.level, found.remedy) == (PROBLEM, "`pip install dvc-azure`")
    (root / "closed").write_text("")
    config.write_text("[core]\n    remote = near\n['remote \"near\"']\n    url = ../closed\n")
    assert "cannot be written" in only(remote.check_remote(root, LOCAL)).what
    config.write_text("")
    assert only(remote.check_remote(root, LOCAL)).level == WARNING


def test_a_far_remote_that_does_not_answer(root):
    (root / ".dvc/config").write_text(
        "[core]\n    remote = far\n['remote \"far\"']\n    url = http://127.0.0.1:9/nobody-listens\n"
    )
    found = only(remote.check_remote(root, LOCAL))
    assert (found.level, "127.0.0.1:9 does not answer" in found.what) == (WARNING, True)
    assert "feedback is kept here" in found.remedy


def test_a_gpu_that_torch_cannot_use(root, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert only(gpu.check_gpu(root, LOCAL)).level == OK
    driver = tmp_path / "nvidia-smi"
    driver.write_text("#!/bin/sh\necho 'NVIDIA H200, 570.1'\n")
    driver.chmod(0o755)
    found = only(gpu.check_gpu(root, LOCAL))
    assert found.what.startswith("NVIDIA H200, 570.1")
    assert found.level == WARNING


def test_a_program_that_hangs_is_told_and_hinders_no_other_check(root, tmp_path, monkeypatch):
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    driver = bin_ / "nvidia-smi"
    driver.write_text("#!/bin/sh\nexec sleep 60\n")
    driver.chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin_}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(gpu, "_CARDS_S", 0.2)

    def cannot_look(*_):
        raise PermissionError(13, "Permission denied", "/somewhere")

    monkeypatch.setattr(leftovers, "marked", cannot_look)
    told = {each.name: each for each in examine(root)}
    assert (told["gpu"].level, told["leftovers"].level) == (WARNING, WARNING)
    assert told["gpu"].what.startswith("nvidia-smi ")
    assert told["gpu"].what.endswith(" gave no answer within 0.2 s")
    assert "Permission denied" in told["leftovers"].what
    assert told["git"].level == OK
    assert not has_problem(list(told.values()))


def test_git_and_the_clock(root, tmp_path):
    assert only(machine.check_git(root, LOCAL)).level == OK
    assert only(machine.check_git(tmp_path, LOCAL)).level == PROBLEM
    assert only(machine.check_clock(root, LOCAL)).level == OK
    log = root / ".rlhf/audit.jsonl"
    log.parent.mkdir()
    log.touch()
    os.utime(log, (time.time() + 86_400,) * 2)
    assert only(machine.check_clock(root, LOCAL)).level == WARNING


def test_what_dead_processes_left(root):
    lock = root / ".git/index.lock"
    lock.touch()
    os.utime(lock, (time.time() - 3_600,) * 2)
    orphan = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"], env=os.environ | {MARK: str(root.resolve())}
    )
    processes, git = leftovers.check_leftovers(root, LOCAL)
    assert str(orphan.pid) in processes.what
    assert git.remedy == f"`rm {lock}` if no git is running here"
    lock.unlink()
    assert end_marked(root) == 1
    orphan.wait()
    assert only(leftovers.check_leftovers(root, LOCAL)).level == OK
