"""HotStuff: the implementation against `specs/hotstuff`."""
