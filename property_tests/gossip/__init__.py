"""Gossip under test: spec against code, in simulated clusters, with liars, and with seeded bugs."""
