"""Data only: the vocabulary and the rulesets, read by path or from the installed package."""
