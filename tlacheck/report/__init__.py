"""Reports: traces and verdicts in formats that people and other tools read."""
