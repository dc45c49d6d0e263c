"""A log that must verify and replay for ever, and a verifier that uses nothing of Wegwijs."""
