"""The scenarios of the hybrid, a test each."""

from pathlib import Path

from tlacheck.harness import scenarios_of

TestScenarios = scenarios_of("property_tests.hybrid.protocol:HYBRID", Path(__file__).parent / "scenarios")
