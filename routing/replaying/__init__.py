"""Deciding again, one decision or millions: as it was then, or as if other rules had been in force."""
