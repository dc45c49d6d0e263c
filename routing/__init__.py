"""Wegwijs: facts of a case and profiles of places in, a recommended point of care with its reasons out."""
