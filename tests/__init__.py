"""Tests of Wegwijs."""
