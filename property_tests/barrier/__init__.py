"""The consistency barrier of `impl.manager` against specs/barrier."""
