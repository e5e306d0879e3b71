"""The scenarios of PBFT, a test each."""

from pathlib import Path

from tlacheck.harness import scenarios_of

TestScenarios = scenarios_of("property_tests.pbft.protocol:PBFT", Path(__file__).parent / "scenarios")
