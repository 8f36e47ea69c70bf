"""Import this to have MLflow loaded: it takes seconds, which a command may spend while it waits for something."""

import mlflow as mlflow
