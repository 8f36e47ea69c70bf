"""What people do with a batch after it came in: release, refuse, mend, withdraw."""
