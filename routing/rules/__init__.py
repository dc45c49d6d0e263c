"""Rules that are data: their language, their meaning, and the two evaluators that must agree about it."""
