"""Where decisions, rules, directories and keys are kept: tables, and the functions that write and read them."""
