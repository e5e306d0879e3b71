"""Reports: traces and verdicts in the shapes that people and other tools read."""
