"""A quarter of a team's life in a few dozen minutes: twelve weekly batches, real servers, and an account of it all.

python -m benchmarks.quarter
python -m benchmarks.quarter --weeks 3 --keep FOLDER
"""
