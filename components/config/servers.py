"""The section `servers`: what `rlhf up` starts on this machine, and where it answers."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from components.config.section import Positive, Section

Port = Annotated[int, Field(ge=1, le=65535)]


class ServersParams(Section):
    """The lasting servers of one machine.

    Attributes:
        host: the address that both listen at. Another than loopback needs passwords: flows/up/access.py.
        prefect_port, mlflow_port: of Prefect's and MLflow's pages and APIs.
        board_port: of `rlhf board`, which listens on loopback alone.
        min_free_gb: gigabytes (10^9 bytes) that must be free where the workspace lies, else nothing is started.
    """

    host: Annotated[str, Field(pattern=r"^[A-Za-z0-9.:-]+$")] = "127.0.0.1"
    prefect_port: Port = 4200
    mlflow_port: Port = 5000
    board_port: Port = 4310
    min_free_gb: Positive = 5.0
