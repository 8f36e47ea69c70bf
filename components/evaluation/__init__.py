"""Win rates, accuracy, calibration, stars, text statistics, gates, and the page a reviewer reads."""
