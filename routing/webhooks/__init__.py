"""Tells the systems of places of care that a patient comes, or does not come after all."""
