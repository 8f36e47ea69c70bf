"""MLflow, and nobody else: runs, registered versions with their digests, promotion, what was promoted by whom."""
