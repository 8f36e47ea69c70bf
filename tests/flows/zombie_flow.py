"""A flow that says when it runs, then does as told, one after the other: `zombie_flow.py killed|suspended|named...`"""

import os
import sys
import time

from prefect import flow, get_client, runtime
from prefect.states import Completed, Suspended


@flow
def zombie(way):
    print("runs", flush=True)
    if way == "suspended":
        # As `suspend_flow_run` does for the run of a deployment: the state is told, and the process ends.
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(runtime.flow_run.id, Suspended(timeout_seconds=600), force=True)
        time.sleep(2)
        os._exit(0)
    if way == "killed":
        time.sleep(600)
    return Completed(name="SkippedAllOfIt")


if __name__ == "__main__":
    for asked in sys.argv[1:]:
        zombie.with_options(flow_run_name=asked)(asked)
