"""Proves what holds of a ruleset for every case there can be, or shows a case for which it does not."""
