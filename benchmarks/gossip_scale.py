"""Gossip among 593 to 10,000 real cores in simulated time, beside the targets of the documents (GOSSIP-3).

All cores run in full: `impl.gossip` on the simulated network, rounds of 1 s at phases of their own, fanout
3 (A102), messages of 1 to 20 ms. They begin with copies of each other, which they share, as copies are
values. Then one writes.

* Spread: seconds, which are rounds, from the write until 50, 99 and 100 % have it, with messages lost.
* Bytes: of a node and second, quiet and while something spreads. Sizes are estimates: 60 bytes a message
  for headers and envelope, 16 a hash, 24 and the name an entry of a digest, records as `size_of` has them.
* Detection: from a crash until the first suspects, and until all hold it for dead. False suspicions in an
  hour.
* Healing: from the end of a partition, which lasted until each side held the other one for dead, until all
  have the same and hold nobody for dead. Churn: a hundredth of the nodes crashes each second, and comes back
  with the next generation three seconds later.

Beside it in the same run: a **model** of sets, without cores, which must count what the cores count (593,
no delay, the same draws); by it 100,000 nodes; **naive push**, in which who knows tells three others a
round; and full digests of all owners in each exchange, which is what hashes save.

`--healing` measures partitions only; `--plot FILE` draws the spread against the number of nodes.
"""

import heapq
import math
import random
import resource
import sys
import time
from pathlib import Path

import attrs

from benchmarks._machine import begin, leave, sized
from impl import gossip
from impl.gossip.holdings import Holdings
from impl.gossip.ring import with_ring
from property_tests.gossip.agents import FANOUT, Cores, phases_of
from tlacheck.sim import Fixed

S = 1_000_000_000
#: The documents' targets: seconds to 99 %, and a hundredth of 1 Gb/s.
SECONDS_99, BYTES_MAX = 10, 1_000_000_000 / 8 / 100
SPREADS = sized([(593, 3), (1_000, 3), (10_000, 1)], [(20, 1)])
LOSSES = sized((0.0, 0.05, 0.2), (0.0,))
AGENTS, LONG_SECONDS = sized((593, 60), (20, 10))
#: Partitions: of so many nodes, so many are cut off, with so many messages lost. Each side accuses, buries
#: and revives the other one, which costs much.
PARTITIONS = sized(
    [(60, 30, 0.0), (60, 30, 0.2), (120, 60, 0.0), (240, 24, 0.0), (593, 1, 0.0)], [(20, 10, 0.0)]
)
MODEL_SIZES = sized((100, 593, 1_000, 10_000, 100_000), (100,))


@attrs.frozen
class Spread:
    """The spread of a write: seconds to 50, 99, 100 %; bytes of a node and second, quiet and meanwhile."""

    half: float
    most: float
    all: float
    quiet: float
    busy: float


def spread(count: int, seed: int, loss: float) -> Spread:
    """One write among cores."""
    cores = Cores(count, seed=seed, loss=loss)
    cores.advance(2_000)
    quiet, cores.bytes = cores.bytes / count / 2, 0
    cores.write("n0")
    begin_ms, reached = cores.world.now_ms, {"n0": 0}

    def watch(name: str, _: gossip.Node) -> None:
        if name not in reached and cores.nodes[name].holdings.get("n0").version:
            reached[name] = cores.world.now_ms - begin_ms

    while len(reached) < count and cores.world.now_ms - begin_ms < 60_000:
        cores.advance(500, watch)
    times = sorted(reached.values())
    took = (cores.world.now_ms - begin_ms) / 1_000

    def at(share: float) -> float:
        place = math.ceil(share * count) - 1
        return times[place] / 1_000 if place < len(times) else math.inf

    return Spread(at(0.5), at(0.99), at(1.0), quiet, cores.bytes / count / took)


# --- the model of sets, and naive push


def modelled(count: int, seed: int, rounds: int) -> list[int]:
    """The number of those who know, after each round: exchanges take no time, draws are those of `Cores`."""
    phases = random.Random(f"phases {seed}")  # noqa: S311 - a reproducible run, no secret
    starts = phases_of(phases, count)
    draws = random.Random(f"draws {seed}")  # noqa: S311 - as above
    order = sorted(range(count), key=lambda number: (starts[number], f"n{number}"))
    places = _ring_places(count)
    knows, counts = bytearray(count), list[int]()
    for turn in range(1, rounds + 1):
        if turn == 3:  # after two rounds n0 writes
            knows[0] = 1
        for node in order:
            drawn = [places[draws.randrange(count)] for _ in range(FANOUT)]
            seed = 1 - node if node < 2 else turn % 2
            peers = [seed if each == node else each for each in drawn]
            if knows[node]:  # who greets with the hash of what all others have is not answered
                for peer in peers:
                    knows[peer] = 1
            elif any(knows[peer] for peer in peers):
                knows[node] = 1
        counts.append(sum(knows))
    return counts


def _ring_places(count: int) -> list[int]:
    """The nodes in the order of the ring."""
    nodes = {f"n{number}": gossip.Copy(1) for number in range(count)}
    holdings = attrs.evolve(Holdings.empty(128, {}), base=nodes)
    ring = with_ring(gossip.Node(config=gossip.Config(node="n0"), holdings=holdings)).ring or ()
    return [int(name[1:]) for name in ring]


def counted(count: int, seed: int, rounds: int) -> list[int]:
    """The same, of cores whose messages take no time."""
    cores, counts = Cores(count, seed=seed, delay=Fixed(0)), list[int]()
    for turn in range(1, rounds + 1):
        if turn == 3:
            cores.write("n0")
        cores.advance(999 if turn == 1 else 1_000)
        counts.append(sum(bool(node.holdings.get("n0").version) for node in cores.nodes.values()))
    return counts


def pushed(count: int, seed: int, share: float) -> int:
    """Rounds of naive push until so many know: who knows tells `FANOUT` others a round, and nobody asks."""
    rng = random.Random(f"push {seed}")  # noqa: S311 - a reproducible run, no secret
    knows, rounds = {0}, 0
    while len(knows) < share * count and rounds < 1_000:
        knows |= {rng.randrange(count) for _ in range(FANOUT * len(knows))}
        rounds += 1
    return rounds


# --- failures


def detection(seed: int, loss: float) -> tuple[float, float, int]:
    """Seconds from a crash to the first suspicion, and until all hold it for dead; false suspicions."""
    cores = Cores(AGENTS, seed=seed, loss=loss)
    cores.advance(LONG_SECONDS * 1_000)
    false = len(cores.suspicions)
    victim = cores.names[-1]
    cores.world.crash(victim)
    crashed_ms = cores.world.now_ms
    while cores.world.now_ms - crashed_ms < 60_000:
        cores.advance(500)
        if all(gossip.standing(node, victim) is gossip.Standing.DEAD for node in cores.live()):
            break
    first = min(
        (at for of, _, at in cores.suspicions if of == victim and at >= crashed_ms), default=crashed_ms
    )
    return (first - crashed_ms) / 1_000, (cores.world.now_ms - crashed_ms) / 1_000, false


def _is_whole(cores: Cores) -> bool:
    live = cores.live()
    roots = {node.holdings.root for node in live}
    return len(roots) == 1 and all(
        gossip.standing(node, other.name) is gossip.Standing.ALIVE
        for node in live[:3]
        for other in live
        if other is not node
    )


def healing(count: int, cut_off: int, loss: float) -> tuple[float, float]:
    """Seconds from the end of a partition until all have the same; how long it had lasted."""
    cores = Cores(count, seed=0, loss=loss)
    cores.advance(3_000)
    cores.world.partition(cores.names[:cut_off])
    begun = cores.world.now_ms
    for side in (cores.names[0], cores.names[-1]):
        cores.write(side)
    cores.advance(40_000)
    cores.world.heal()
    healed = cores.world.now_ms
    while cores.world.now_ms - healed < 60_000 and not _is_whole(cores):
        cores.advance(250)
    return (cores.world.now_ms - healed) / 1_000, (healed - begun) / 1_000


def churn(seed: int) -> tuple[float, float]:
    """Seconds until 99 % of those who stay have a write, and all; 1 % of the nodes restart each second."""
    cores, rng = Cores(AGENTS, seed=seed), random.Random(f"churn {seed}")  # noqa: S311 - as above
    cores.advance(2_000)
    cores.write("n0")
    begun, back, left = cores.world.now_ms, list[tuple[int, str]](), {"n0"}
    most = 0.0
    while cores.world.now_ms - begun < 60_000:
        for name in rng.sample(cores.names[1:], max(1, AGENTS // 100)):
            if name not in cores.world.down:
                cores.world.crash(name)
                left.add(name)
                heapq.heappush(back, (cores.world.now_ms + 3_000, name))
        while back and back[0][0] <= cores.world.now_ms:
            _, name = heapq.heappop(back)
            node = cores.nodes[name]
            cores.nodes[name] = gossip.restart(node.config, node.durable)
            cores.world.restart(name)
            cores.world.set_timer(name, "round", rng.randrange(1_000))
        cores.advance(1_000)
        stayed = [node for node in cores.live() if node.name not in left]
        knows = sum(bool(node.holdings.get("n0").version) for node in stayed)
        if not most and knows >= 0.99 * len(stayed):
            most = (cores.world.now_ms - begun) / 1_000
        if knows == len(stayed):
            break
    return most, (cores.world.now_ms - begun) / 1_000


# --- what is printed and drawn


def plot(points: dict[float, list[tuple[int, float]]], model: list[tuple[int, float]], path: Path) -> None:
    """Draw seconds until all know against the number of nodes, on a logarithmic scale, with log7 n."""
    width, height, left, low, legend = 640, 360, 60, 310, 50
    most = 14.0

    def place(count: float, seconds: float) -> str:
        x = left + (math.log10(count) - 1.5) / 3.7 * (width - left - 20)
        return f"{x:.0f},{low - seconds / most * (low - 30):.0f}"

    colours = {0.0: "#1b6ca8", 0.05: "#d9822b", 0.2: "#b03a48"}
    lines = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            'font-family="sans-serif" font-size="12">'
        ),
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="{left}" y="18">Seconds (rounds) from a write until all nodes have it</text>',
    ]
    for second in range(0, 15, 2):
        y = low - second / most * (low - 30)
        lines.append(f'<line x1="{left}" x2="{width - 20}" y1="{y:.0f}" y2="{y:.0f}" stroke="#ddd"/>')
        lines.append(f'<text x="{left - 24}" y="{y + 4:.0f}">{second}</text>')
    for count in (100, 593, 1_000, 10_000, 100_000):
        x = place(count, 0).split(",")[0]
        lines.append(f'<text x="{x}" y="{low + 18}" text-anchor="middle">{count:,}</text>')
    lines.append(f'<text x="{left + (width - left) // 2}" y="{low + 38}" text-anchor="middle">nodes</text>')
    curve = " ".join(place(10**power, math.log(10**power, 7)) for power in (2.0, 3.0, 4.0, 5.0))
    lines.append(f'<polyline points="{curve}" fill="none" stroke="#888" stroke-dasharray="4 3"/>')
    lines.append(f'<text x="{left + 12}" y="{legend + 48}" fill="#666">log7 n (dashed)</text>')
    curve = " ".join(place(*each) for each in model)
    lines.append(f'<polyline points="{curve}" fill="none" stroke="#444"/>')
    lines.append(f'<text x="{left + 12}" y="{legend + 64}" fill="#444">the model (line)</text>')
    for number, (loss, found) in enumerate(points.items()):
        colour = colours.get(loss, "black")
        for each in found:
            across, down = place(*each).split(",")
            lines.append(f'<circle cx="{across}" cy="{down}" r="4" fill="{colour}"/>')
        text = f'fill="{colour}">cores, {loss * 100:.0f} % lost</text>'
        lines.append(f'<text x="{left + 12}" y="{legend + 16 * number}" {text}')
    path.write_text("\n".join([*lines, "</svg>", ""]), encoding="utf-8")


def show_spreads() -> tuple[dict[float, list[tuple[int, float]]], bool]:
    """Print how a write spreads among cores; the points of the plot, and whether targets are met."""
    points: dict[float, list[tuple[int, float]]] = {}
    is_met = True
    print("\nseconds to 50, 99, 100 % (the worst seed), bytes a node and s, rounds of naive push to 99/100 %")
    print(" nodes   loss     50 %   99 %    all   log7 n   quiet    busy   push")
    for count, seeds in SPREADS:
        for loss in LOSSES:
            found = [spread(count, seed, loss) for seed in range(seeds)]
            half, most, full = (max(getattr(one, name) for one in found) for name in ("half", "most", "all"))
            quiet, busy = max(one.quiet for one in found), max(one.busy for one in found)
            points.setdefault(loss, []).append((count, full))
            is_met &= most < SECONDS_99 and busy < BYTES_MAX
            push = f"{pushed(count, 0, 0.99)}/{pushed(count, 0, 1)}"
            print(
                f"{count:>6,} {loss:>6.0%} {half:>8.1f} {most:>6.1f} {full:>6.1f} {math.log(count, 7):>8.1f}"
                f" {quiet:>7,.0f} {busy:>7,.0f} {push:>6}"
            )
    full_digests = {count: 6 * 40 * count for count, _ in SPREADS}
    print(f"full digests, six a second and 40 bytes an owner, bytes a node and s: {full_digests}")
    print(f"a hundredth of 1 Gb/s: {BYTES_MAX:,.0f} bytes a s")
    return points, is_met


def show_healing() -> None:
    """Print how partitions heal."""
    for count, cut_off, loss in PARTITIONS:
        healed, lasted = healing(count, cut_off, loss)
        print(
            f"a partition of {count}, {cut_off} of them cut off for {lasted:.0f} s, {loss:.0%} lost, "
            f"is healed after {healed:.2f} s",
            flush=True,
        )


def show_model() -> tuple[list[tuple[int, float]], bool]:
    """Print what the model counts; whether that is what cores count."""
    cores, model = counted(AGENTS, 1, 9), modelled(AGENTS, 1, 9)
    print(f"\n{AGENTS} cores without delays, how many know after each round: {cores}")
    print(f"the model, by the same draws: {model}")
    rounds = []
    for count in MODEL_SIZES:
        counts = modelled(count, 0, 16)
        rounds.append((count, float(next(n for n, known in enumerate(counts, 1) if known == count) - 2)))
    print(f"rounds until all know, by the model: {rounds}")
    return rounds, cores == model


def main() -> None:
    """Run all of it, or of partitions only."""
    begin("Gossip: spread, bytes, failures")
    if "--healing" in sys.argv:
        show_healing()
        leave()
    started = time.process_time()
    model, is_same = show_model()
    points, is_met = show_spreads()
    if "--plot" in sys.argv:
        plot(points, model, Path(sys.argv[sys.argv.index("--plot") + 1]))
    print(f"\n{AGENTS} agents:")
    for loss in LOSSES:
        first, dead, false = detection(0, loss)
        hours = LONG_SECONDS / 3_600
        print(
            f"loss {loss:.0%}: a crash is suspected after {first:.1f} s, dead for all after {dead:.1f} s; "
            f"{false} false suspicions of {AGENTS * 3} pairs in {LONG_SECONDS} s, {false / hours:.0f} an hour"
        )
    show_healing()
    most, full = churn(0)
    print(f"1 % restart a second: of those who stay 99 % know after {most:.0f} s, all after {full:.0f} s")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024
    print(f"\n{time.process_time() - started:.0f} s of CPU, {memory:,.0f} MiB")
    if not is_same:
        raise SystemExit("the model does not count what the cores count")
    print("targets met" if is_met else "TARGETS MISSED")
    leave()


if __name__ == "__main__":
    main()
