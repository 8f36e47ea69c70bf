"""What may go from the disk, and why: everything that no registered version, open run or lineage needs."""
