"""The coordination flow of `impl.coordination` over real cores of Raft, gossip and the barrier."""
