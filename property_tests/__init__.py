"""Stateful tests of the reference implementation against its specs: a package a protocol."""
