"""Reads and writes what other systems speak, one module per format."""
