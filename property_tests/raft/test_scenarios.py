"""The scenarios of Raft: `scenarios/*.txt` without optional parts, `scenarios_full/*.txt` with all."""

from pathlib import Path

from tlacheck.harness import scenarios_of

_HERE = Path(__file__).parent

TestScenarios = scenarios_of("property_tests.raft.protocol:RAFT", _HERE / "scenarios")
TestScenariosOfAllParts = scenarios_of("property_tests.raft.protocol:RAFT_FULL", _HERE / "scenarios_full")
