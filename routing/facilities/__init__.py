"""The places where acute care is given: what they can do, when they are open, and where they are."""
