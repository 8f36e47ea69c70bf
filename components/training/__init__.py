"""Loops: batches in, a trained model out. They report through a callable `log(metrics, step)` and know no server."""
