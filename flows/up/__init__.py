"""`rlhf up`: the servers that last, who watches them, and how everybody else finds them."""
