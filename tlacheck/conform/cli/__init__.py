"""The conformance commands, one module each."""
