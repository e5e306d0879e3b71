"""The commands over TLC, a module each."""
