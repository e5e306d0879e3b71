"""`tlacheck claims`: a claim with missing or contrary evidence must not appear on a page."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tlacheck.claims import Settled, examine, read_claims
from tlacheck.claims.runs import last_runs
from tlacheck.verify.plan import read_plan

Command = Callable[..., Result]
Change = Callable[..., None]


# --- all is as it should be ---------------------------------------------------------------------


def test_a_written_page_is_current_and_all_evidence_exists(project: Path, claims: Command) -> None:
    written = claims("--write")
    assert written.exit_code == 0, written.output
    done = claims()
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[-1] == (
        "claims: total=6 proved=1 exhausted=1 bounded=0 sampled=1 measured=1 estimated=0 refuted=1 open=1 "
        "checks=4 not_run=4 wrong=0 page=current"
    )
    assert "4 were not run here" in done.output
    assert sorted(path.name for path in (project / "docs").iterdir()) == [
        "claims.html",
        "claims.md",
        "counting.md",
    ]


def test_the_page_is_independent_of_local_runs(project: Path, claims: Command, ran: Command) -> None:
    """Otherwise the page would differ on every machine."""
    claims("--write")
    before = (project / "docs" / "claims.md").read_bytes(), (project / "docs" / "claims.html").read_bytes()
    ran()
    done = claims("--write")
    assert "of 4 checks 1 agreed when they last ran here, 3 were not run here" in done.output
    assert before == (
        (project / "docs" / "claims.md").read_bytes(),
        (project / "docs" / "claims.html").read_bytes(),
    )


def test_the_markdown_has_every_claim_with_its_figures_links_and_commands(
    project: Path, claims: Command
) -> None:
    claims("--write")
    page = (project / "docs" / "claims.md").read_text(encoding="utf-8")
    for said in (
        "# What the manuals \\<claim\\>",
        "Two manuals, and `code` in between.",
        (
            "| exhausted | holds in every reachable state of a finite model, whose bounds are stated "
            "| 1 | 0 | 1 |"
        ),
        "| [GUIDE-3](#guide-3) | within 10 ms | **measured** | 7 ms: below 10 ms |",
        "- *What goes wrong.* It counts: one, two, three.",
        "- *Instead.* It counts on.",
        "- *Missing.* It is not built yet.",
        "## NOTES: The notes \\| of an operator",
        "12 \\*claims\\*",
        "- TLC [`counter/holds`](../counter/holds.cfg): y never overtakes x; exhausted, distinct 55 (`.venv",
        "(`.venv/bin/tlacheck verify --only counter/holds --budget ci`)",
        "- trace [`three.itf.json`](../traces/three.itf.json): shows `NeverThree` (`.venv",
        "(`.venv/bin/tlacheck inspect traces/three.itf.json`)",
        "- Z3 [`counter/proof`](../checks.py): proved; 12 claims; `of twelve claims` ",
        (
            "- test [`test_it_counts`](../tests/test_counter.py) "
            "(`python -m pytest tests/test_counter.py::TestCounter::test_it_counts`)"
        ),
        "(`python -m benchmarks.latency`)",
        "- file [`docs/counting.md`](counting.md): says “it counts up to nine”",
    ):
        assert said in page, said


def test_quotes_are_looked_up_in_available_documents(project: Path, claims: Command, change: Change) -> None:
    claims("--write")
    guide = project / "guide.md"
    guide.write_text("**y never** ever\novertakes x; never three; within 10 ms", encoding="utf-8")
    assert claims("--documents", ".").exit_code == 0
    guide.write_text("y never overtakes x, within 10 ms", encoding="utf-8")
    done = claims("--documents", ".")
    assert done.exit_code == 1
    assert '✗ GUIDE-2: "never three" does not stand in guide.md' in done.output
    digest = hashlib.sha256(b"another text").hexdigest()
    change('file = "guide.md"', f'file = "guide.md"\nsha256 = "{digest}"')
    assert (
        "✗ GUIDE: guide.md is not the one that the claims were taken from"
        in claims("--documents", ".").output
    )
    guide.unlink()
    assert claims("--documents", ".").exit_code == 2


def test_checks_used_as_evidence_can_be_run(project: Path, claims: Command, ran: Command) -> None:
    ran(status="violated")
    claims("--write")
    done = claims("--run", "--budget", "smoke")
    assert done.exit_code == 0, done.output
    assert "of 4 checks 1 agreed when they last ran here, 3 were not run here" in done.output
    found = last_runs(project)["counter/proof"]
    assert (found.kind, found.figures["claims"]) == ("proved", 12)


def test_the_result_is_available_as_json(claims: Command, change: Change) -> None:
    change("below = 10", "below = 7")
    claims("--write")
    done = claims("--json")
    data = json.loads(done.stdout)
    assert done.exit_code == 1
    assert "page=current" in done.stderr
    assert {claim["id"]: claim["verdict"] for claim in data["claims"]}["GUIDE-3"] == "measured"
    wrong = "latency found 7 ms (worst), which is not below 7 ms"
    assert [claim["wrong"] for claim in data["claims"] if claim["id"] == "GUIDE-3"] == [[wrong]]
    assert (data["wrong"], data["drifted"], data["counts"]["open"]) == ([f"GUIDE-3: {wrong}"], [], 1)
    assert data["not_run"] == data["checks"]


# --- the page is another one --------------------------------------------------------------------


@pytest.mark.parametrize("name", ["claims.md", "claims.html"])
def test_a_page_edited_by_hand_is_reported_with_the_difference(
    claims: Command, change: Change, name: str
) -> None:
    claims("--write")
    change("It counts: one, two, three.", "It never counts.", f"docs/{name}")
    done = claims()
    assert done.exit_code == 1
    assert f"✗ docs/{name} is not what follows from claims.toml and its evidence:" in done.output
    assert "    -" in done.output
    assert "It never counts." in done.output
    assert "to write the page anew: .venv/bin/tlacheck claims --write" in done.output
    assert "wrong=0 page=drifted" in done.output


def test_a_pin_that_changed_makes_the_page_drift(claims: Command, change: Change) -> None:
    claims("--write")
    change("distinct = 55", "distinct = 56", "counter/manifest.toml")
    done = claims()
    assert done.exit_code == 1
    assert "distinct 56" in done.output


def test_a_missing_page_is_reported(claims: Command) -> None:
    done = claims()
    assert done.exit_code == 1
    assert "✗ there is no file docs/claims.md: it was never written" in done.output


def test_the_html_page_is_built_and_need_not_be_there(project: Path, claims: Command) -> None:
    claims("--write")
    (project / "docs" / "claims.html").unlink()
    done = claims()
    assert done.exit_code == 0, done.output
    assert "page=current" in done.output


# --- the evidence is another one ----------------------------------------------------------------

WRONG_EVIDENCE = [
    ('check = "counter/holds"', 'check = "counter/hold"',
        'GUIDE-1: no check is called "counter/hold": did you mean "counter/holds"?'),
    ('check = "counter/holds"', 'check = "elsewhere"',
        'no check is called "elsewhere": `tlacheck verify --list'),
    ('holds", expect = "exhausted"', 'holds", expect = "proved"',
        "counter/holds is said to be proved, but what it must come to is exhausted"),
    ('violates = "NeverThree"', 'violates = "NeverTwo"',
        "is said to violate NeverTwo, but what it must violate is NeverThree"),
    ("traces/three", "traces/four",
        "the trace traces/four.itf.json cannot be used: traces/four.itf.json: cannot be read"),
    ('shows = "NeverThree"', 'shows = "NeverTwo"', "is said to show NeverTwo and shows NeverThree"),
    ("::test_it_counts", "::test_it_count",
        "has no TestCounter::test_it_count: did you mean TestCounter::test_it_counts?"),
    ("tests/test_counter", "tests/test_nothing", "the test tests/test_nothing.py cannot be read"),
    ("it counts up to nine", "it counts up to ten",
        '"it counts up to ten" does not stand in docs/counting.md'),
    ("docs/counting.md", "docs/nothing.md", "docs/nothing.md cannot be read"),
    ("benchmarks.latency", "benchmarks.nothing",
        "latency is repeated by `python -m benchmarks.nothing`, but there is no benchmarks/nothing.py"),
    ("below = 10", "below = 7", "latency found 7 ms (worst), which is not below 7 ms"),
    ("below = 10", "above = 7.5", "latency found 7 ms (worst), which is not above 7.5 ms"),
    (", below = 10", "", "it is said to be measured, but no measurement has a limit to keep to"),
    ('verdict = "exhausted"', 'verdict = "proved"',
        ("GUIDE-1: it is said to be proved, but none of its evidence is; "
         "its checks are exhausted, violated, witness")),
    ('verdict = "exhausted"', 'verdict = "bounded"',
        "it is said to be bounded, but none of its evidence is"),
    ('verdict = "sampled"', 'verdict = "proved"',
        "NOTES-2: it is said to be proved, but none of its evidence is; it has no check"),
    ('{ trace = "traces/three.itf.json", shows = "NeverThree" }', '{ file = "docs/counting.md" }',
        "it is said to be refuted, but no check, trace, test or measured limit shows it"),
    ('{ trace = "traces/three.itf.json", shows = "NeverThree" }',
        '{ measurement = "latency", figure = "worst", below = 8 }',
        "it is said to be refuted, but latency keeps to it: 7 ms is below 8 ms"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "said"), WRONG_EVIDENCE, ids=[said[:60] for *_, said in WRONG_EVIDENCE]
)
def test_missing_or_contrary_evidence_is_reported(
    claims: Command, change: Change, old: str, new: str, said: str
) -> None:
    change(old, new)
    claims("--write")
    done = claims()
    assert done.exit_code == 1, done.output
    assert said in done.output
    assert "wrong=1" in done.output or "wrong=2" in done.output


def test_a_truncated_trace_is_reported(project: Path, claims: Command) -> None:
    trace = project / "traces" / "three.itf.json"
    trace.write_text(trace.read_text()[:100])
    done = claims("--write")
    assert done.exit_code == 1
    assert "the trace traces/three.itf.json cannot be used" in done.output


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"status": "violated", "message": "claim 7\nmore"},
            "counter/proof was violated in its last run here (20260101-000001): claim 7"),
        ({"status": "could not run", "verdict": None, "message": ""},
            "counter/proof was could not run in its last run here"),
        ({"verdict": {"kind": "sampled"}}, "counter/proof is said to be proved and was sampled"),
        ({"figures": {"claims": 11}}, "counter/proof is said to have claims = 12 and had 11"),
        ({"figures": {}}, "counter/proof is said to have claims = 12 and had None"),
        ({"message": "a table of eleven claims"},
            'counter/proof is said to tell "of twelve claims" and did not'),
    ],
)  # fmt: skip
def test_a_contrary_last_run_is_reported(
    claims: Command, ran: Command, fields: dict[str, object], said: str
) -> None:
    ran(**fields)
    done = claims("--write")
    assert done.exit_code == 1
    assert said in done.output


def test_the_last_readable_run_counts(project: Path, claims: Command, ran: Command) -> None:
    ran(status="violated")
    ran()
    (project / ".verify" / "20260101-000099").mkdir()
    (project / ".verify" / "20260101-000099" / "summary.json").write_text('{"checks": [{"name": ')
    assert claims("--write").exit_code == 0


def test_a_violation_of_another_property_is_reported(claims: Command, ran: Command) -> None:
    verdict = {"kind": "violated", "violates": "NeverTwo"}
    ran("counter/broken", verdict=verdict)
    done = claims("--write")
    assert "counter/broken is said to violate NeverThree and violated NeverTwo" in done.output


# --- the file says nothing usable ---------------------------------------------------------------

BAD_INPUT = [
    ('verdict = "proved"', 'verdict = "prooved"', '"verdict" is "prooved"; it may be proved, exhausted,'),
    ('id = "NOTES-2"', 'id = "GUIDE-2"', 'there is a claim "GUIDE-2" twice: give one of them another id'),
    ('id = "NOTES-2"', 'id = "guide-2"', 'there is a claim "guide-2" beside "GUIDE-2"'),
    ('id = "NOTES"', 'id = "GUIDE"', 'there is a document "GUIDE" twice'),
    ('document = "NOTES"', 'document = "NOTE"', ('[[claim]] 4 (NOTES-1): "document" is "NOTE", '
      'but there is no [[document]] of that id: did you mean "NOTES"?')),
    ('measurement = "latency"', 'measurement = "speed"',
     '"measurement" is "speed", but there is no [[measurement]] of that id: there are latency'),
    ('figure = "worst"', 'figure = "wurst"',
     '"figure" is "wurst", which latency did not find: did you mean "worst"?'),
    ('quote = "soon"\n', "", '"quote" is missing: give it a text'),
    ('scope = "every n"', 'scop = "every n"', '"scope" is missing'),
    ('missing = "It is not built yet."', "", 'a claim that is open needs "missing": what would settle it'),
    ('instead = "It counts on."', "", 'a claim that is refuted needs "instead"'),
    ('figure = "12 *claims*"', 'missing = "x"',
     '"missing" is for a claim that is open, and this one is proved'),
    ('engine = ["test"]', 'engine = ["tests"]', "\"engine\" has 'tests'; it may be TLC, Z3,"),
    ('{ test = "tests', '{ trace = "x", test = "tests',
     "evidence is one of check, trace, test, file, measurement, and this has trace and test"),
    ('[{ test = "tests/test_counter.py::TestCounter::test_it_counts" }]', "[{ }]", "this has none of them"),
    ('[{ test = "tests/test_counter.py::TestCounter::test_it_counts" }]', '["x"]',
     "evidence 1 is 'x', not a table"),
    ("::TestCounter::test_it_counts", "", "write it as path/to/test_file.py::test_name"),
    ('file = "docs/counting.md"', 'file = "../elsewhere.md"', "name a file of this project"),
    ('file = "docs/counting.md"', 'file = "/etc/passwd"', "name a file of this project"),
    ('says = "of twelve claims"', "says = [12]", '"says" is [12], not a text or a list of texts'),
    ('violates = "NeverThree"', 'violate = "NeverThree"',
     '(GUIDE-1), evidence 2: unknown key "violate": did you mean "violates"?'),
    ('expect = "witness"', 'expect = "seen"', '"expect" is "seen"; it may be proved,'),
    ('text = "a ratio"', 'txt = "a ratio"', '[[measurement]] 1 (latency), figure "share": "text" is missing'),
    ('page = "docs/claims.md"', 'page = "docs/claims.html"', "name a file that ends in .md"),
    ('[[document]]\nid = "NOTES"', '[[documents]]\nid = "NOTES"', "but there is no [[document]] of that id"),
    ("value = 7", "value = inf", '"value" is inf; nothing that was measured is'),
    ("below = 10", "below = nan", '"below" is nan, which is no limit'),
    ("claims = 12", "claims = 1.5", '"figures.claims" is 1.5; a figure that runs must reproduce'),
    ("[claims]", "[claims", "claims.toml is no TOML"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "said"), BAD_INPUT, ids=[said[:60] for *_, said in BAD_INPUT])
def test_a_mistake_in_the_file_is_one_message_and_status_2(
    claims: Command, change: Change, old: str, new: str, said: str
) -> None:
    change(old, new)
    done = claims()
    assert done.exit_code == 2
    assert said in done.output
    assert "Traceback" not in done.output
    assert len(done.output.splitlines()) == 1


def test_missing_files_and_incompatible_options_are_reported(
    project: Path, claims: Command, change: Change
) -> None:
    assert "there is no file nothing.toml" in claims("nothing.toml").output
    done = claims("--budget", "smoke")
    assert (done.exit_code, "--budget is for --run" in done.output) == (2, True)
    change("[[document]]", '[[document]]\nid = "IDLE"\ntitle = "Of nothing"\n\n[[document]]')
    assert "document IDLE has no claim: add one, or leave it out" in claims().output
    (project / "verify.toml").unlink()
    (project / "claims.toml").write_text('[claims]\ntitle = "x"\npage = "x.md"\n')
    done = claims()
    assert (done.exit_code, "there is no file verify.toml" in done.output) == (2, True)


# --- this project's own -------------------------------------------------------------------------

ROOT = Path(__file__).resolve().parents[2]


def test_the_claims_of_this_project_have_their_evidence() -> None:
    found = read_claims(ROOT / "claims.toml")
    examined = examine(found, read_plan(found.plan), {})
    assert [str(complaint) for complaint in examined.complaints] == []
    assert len(found.claims) >= 60
    assert {document.id for document in found.documents} == {"A2", "A102", "BV", "HM", "KN"}


def test_wrong_statements_of_the_documents_are_refuted_in_words() -> None:
    by_id = {claim.id: claim for claim in read_claims(ROOT / "claims.toml").claims}
    for name in ("KN-1", "HM-16", "KN-19", "A102-2", "BV-7"):
        assert by_id[name].settled is Settled.REFUTED, name
        assert len(by_id[name].counterexample) > 200, name


def test_the_page_of_this_project_follows_from_its_claims() -> None:
    from tlacheck.claims.cli import pages

    found = read_claims(ROOT / "claims.toml")
    text = pages(found, read_plan(found.plan))[found.page]
    assert found.page.read_text(encoding="utf-8") == text, f"{found.page.name}: make claims ARGS=--write"
