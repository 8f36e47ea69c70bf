"""Faults injected into the running pipeline: real processes, servers and disks, on a project as small as it goes."""
