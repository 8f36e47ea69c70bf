"""What people must know, told to them: on disk until every notifier has taken it."""
