"""Both servers of deploy/compose on a real PostgreSQL: their very variables and arguments, on this machine.

`python -m benchmarks.postgres` starts a PostgreSQL of its own in a temporary folder (Debian's package `postgresql`,
and `pip install -e ".[postgres]"`), then Prefect and MLflow with logins, and says what answered, and how fast.
Artefacts lie in a folder: S3 is another matter.
"""

from __future__ import annotations

import base64
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import yaml

from flows.processes import end

DEPLOY = Path(__file__).parents[1] / "deploy"
#: Only for the length of this program, on loopback.
PASSWORD, LOGIN = "of-this-run-alone", "ada:of-this-run-alone"
TIMEOUT_S = 240.0
#: As deploy/image/Dockerfile sets them.
_IMAGE = {
    "DO_NOT_TRACK": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="rlhf-postgres-") as name, ExitStack() as running:
        folder = Path(name)
        # PostgreSQL refuses to run as root.
        folder.chmod(0o755)
        port = running.enter_context(_postgres(folder))
        for service, path, login in (
            ("prefect", "/api/admin/version", LOGIN),
            ("mlflow", "/api/2.0/mlflow/experiments/search?max_results=1", f"admin:{PASSWORD}"),
        ):
            begun = time.monotonic()
            url = running.enter_context(_service(service, folder, port))
            took = time.monotonic() - begun
            told = f"without login {_status(url + path)}, with login {_status(url + path, login)}"
            print(f"{service}: answers after {took:.1f} s; {told}")
        for database in ("prefect", "mlflow", "mlflow_auth"):
            count = "select count(*) from information_schema.tables where table_schema = 'public'"
            print(f"{database}: {_psql(port, database, count)} tables")


@contextmanager
def _postgres(folder: Path) -> Iterator[int]:
    """A server on a free port, with the databases of deploy/compose; its port."""
    user = "postgres" if os.getuid() == 0 else None
    data, secret, port = folder / "data", folder / "password", _free_port()
    secret.write_text(PASSWORD)
    data.mkdir()
    if user:
        shutil.chown(data, user)
    options = ["--username", "rlhf", "--pwfile", str(secret), "--auth", "scram-sha-256", "--encoding", "UTF8"]
    subprocess.run(
        [_program("initdb"), "-D", str(data), *options], check=True, user=user, stdout=subprocess.DEVNULL
    )
    command = [_program("postgres"), "-D", str(data), "-h", "127.0.0.1", "-p", str(port), "-k", str(data)]
    with (folder / "postgres.log").open("w") as log:
        process = subprocess.Popen(
            command, user=user, stdout=log, stderr=log, start_new_session=True, text=True
        )
    try:
        _wait(lambda: _accepts(port))
        for line in (DEPLOY / "compose/databases.sql").read_text().splitlines():
            if line.startswith("create"):
                _psql(port, "postgres", line)
        yield port
    finally:
        end(process)


def _program(name: str) -> str:
    found = shutil.which(name) or next(map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{name}")), None)
    if found is None:
        raise SystemExit(f"there is no {name}: `apt-get install postgresql`")
    return found


def _psql(port: int, database: str, statement: str) -> str:
    command = [
        _program("psql"),
        "-h",
        "127.0.0.1",
        "-p",
        str(port),
        "-U",
        "rlhf",
        "-d",
        database,
        "-Atqc",
        statement,
    ]
    environment = os.environ | {"PGPASSWORD": PASSWORD}
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip()


@contextmanager
def _service(name: str, folder: Path, postgres: int) -> Iterator[str]:
    """A service as the compose file starts it, at a free port of this machine; its address."""
    port = _free_port()
    service = yaml.safe_load((DEPLOY / "compose/docker-compose.yml").read_text())["services"][name]
    command = [_word(word, folder, port) for word in service["command"]]
    variables = {key: _here(str(value), folder, postgres) for key, value in service["environment"].items()}
    with (folder / f"{name}.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            env=os.environ | _IMAGE | variables | {"PREFECT_HOME": str(folder / "prefect")},
            cwd=folder,
            stdout=log,
            stderr=log,
            start_new_session=True,
            text=True,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(lambda: _status(f"{url}/api/health" if name == "prefect" else f"{url}/health") == 200, process)
        yield url
    except SystemExit:
        print((folder / f"{name}.log").read_text()[-3000:])
        raise
    finally:
        end(process)


def _word(word: str, folder: Path, port: int) -> str:
    """A word of the command, with this machine's places."""
    places = {"0.0.0.0": "127.0.0.1", "4200": str(port), "5000": str(port)}  # noqa: S104
    places["s3://mlflow"] = str(folder / "artifacts")
    return places.get(word, word.replace(":5000", f":{port}"))


def _here(value: str, folder: Path, postgres: int) -> str:
    """What the container would get, with this machine's places and this run's passwords."""
    if value.startswith("${PREFECT_LOGIN"):
        return LOGIN
    if value.startswith("${MLFLOW_ADMIN:"):
        return "admin"
    if value.startswith("${"):
        return PASSWORD
    if value.endswith("basic_auth_postgres.ini"):
        text = (DEPLOY / "mlflow-auth/basic_auth_postgres.ini").read_text()
        (folder / "auth.ini").write_text(text.replace("postgres:5432", f"127.0.0.1:{postgres}"))
        return str(folder / "auth.ini")
    return {"postgres": "127.0.0.1", "5432": str(postgres)}.get(
        value, value.replace("postgres:5432", f"127.0.0.1:{postgres}")
    )


def _status(url: str, login: str = "") -> int:
    headers: Mapping[str, str] = {}
    if login:
        headers = {"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=dict(headers)), timeout=30) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def _wait(condition, process: subprocess.Popen[str] | None = None) -> None:  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        if time.monotonic() > deadline or (process and process.poll() is not None):
            raise SystemExit("it does not answer")
        time.sleep(0.2)


def _accepts(port: int) -> bool:
    try:
        return _psql(port, "postgres", "select 1") == "1"
    except subprocess.CalledProcessError:
        return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
