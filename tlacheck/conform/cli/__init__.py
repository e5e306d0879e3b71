"""The commands over conformance, a module each."""
