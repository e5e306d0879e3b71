"""`tlacheck claims`: the claims of documents, each with its evidence, as a page checked against it.

`claims.toml` lists claims of documents in their own words, the exact statement that was checked, and
the evidence: checks of `verify.toml` with the verdict that they must reach, traces, tests, files, and
recorded measurements with the command that repeats them. `tlacheck claims` checks that every claim is
backed by its evidence and that the page is up to date.

    [claims]
    title = "What the documents claim"
    page = "docs/claims.md"          # docs/claims.html is built beside it

    [[document]]
    id = "GUIDE"
    title = "The operator's guide"

    [[measurement]]
    id = "latency"
    what = "Requests to a cluster of five"
    command = "python -m benchmarks.latency"
    machine = "2 cores, x86-64"
    figures.worst = { value = 7, unit = "ms", text = "the slowest of 1,000 requests" }

    [[claim]]
    id = "GUIDE-1"
    document = "GUIDE"
    place = "Performance"
    quote = "answers within 10 ms"
    statement = "Every one of 1,000 requests to five idle servers is answered within 10 ms."
    engine = ["benchmark"]
    scope = "five servers, 1,000 requests"
    verdict = "measured"
    evidence = [{ measurement = "latency", figure = "worst", below = 10 }]

| verdict   | means                                                   | needs                              |
|-----------|---------------------------------------------------------|------------------------------------|
| proved    | holds for every size and depth                          | a check, proved                    |
| exhausted | holds in every reachable state of finite instances      | a check, exhausted                 |
| bounded   | no counterexample up to a depth                         | a check, bounded                   |
| sampled   | no counterexample in so many cases                      | a check, sampled; or a test        |
| measured  | a recorded measurement keeps to it, on a stated machine | a measurement that keeps its limit |
| estimated | computed from such a measurement; not run itself        | the same                           |
| refuted   | does not hold                                           | a check, a trace or a test, or a   |
|           |                                                         | measurement that misses its limit; |
|           |                                                         | `counterexample`, `instead`        |
| open      | nothing here settles it                                 | `missing`: what would settle it    |
"""

from tlacheck.claims.claim import Claim, Claims, Settled
from tlacheck.claims.examine import Examined, examine
from tlacheck.claims.read import read_claims

__all__ = ["Claim", "Claims", "Examined", "Settled", "examine", "read_claims"]
