"""The record of a decision: one canonical form, what goes in, and running it again. No database, no network."""
