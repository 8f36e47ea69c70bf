"""The loop on screen: one page that shows where everything is and what waits for whom."""
