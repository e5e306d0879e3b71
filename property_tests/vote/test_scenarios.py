"""The scenarios of voting: `scenarios/*.txt`."""

from pathlib import Path

from tlacheck.harness import scenarios_of

TestScenarios = scenarios_of("property_tests.vote.protocol:VOTE", Path(__file__).parent / "scenarios")
