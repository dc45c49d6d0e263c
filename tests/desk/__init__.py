"""Tests of the pages of the desk, as one without a script asks for them."""
