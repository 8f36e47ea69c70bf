"""One module a DVC stage: read files, call one function, write files atomically. `dvc.yaml` is the graph."""
