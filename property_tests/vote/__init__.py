"""Tests of `impl/vote` against `specs/vote`, and against liars."""
