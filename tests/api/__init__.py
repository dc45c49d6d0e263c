"""Tests of what the outside sees over HTTP."""
