"""The replicated state machine on the protocol that replicates it."""
