"""The threat level of `impl.threat` against its spec: recorded traces, every edge, random walks, mutants."""
