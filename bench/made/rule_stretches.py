"""What is planted for each rule: one stretch in a made session, as plain as its rule asks for.

Where a rule has several ways to fire, one is drawn. Sizes are two to three times a threshold:
recall says that a rule does what it says, not how it fares on people.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bench.made.rule_sessions import GAZE, SLOWED, Exchange, Plan, null_plan
from pipeline.timeline import Span

Rng = np.random.Generator


def planted(rng: Rng, rule: str, shared: float = 0.0) -> tuple[Plan, Span]:
    """A session with one stretch for this rule, and when it is."""
    plan = null_plan(rng, shared)
    first = plan.near(float(rng.uniform(400, 2300)))
    last = PLANTERS[rule](rng, plan, first)
    return plan, (plan.exchanges[first].at_s, plan.exchanges[last].reply_s[1])


def _ask(one: Exchange, asks: str = "open", words: int = 18) -> None:
    one.asks, one.words, one.directives = asks, words, 0


def _late_replies(rng: Rng, plan: Plan, first: int) -> int:
    run = plan.exchanges[first : first + 5]
    for at, one in enumerate(run):
        _ask(one)
        one.latency_s = float(rng.uniform(4.5, 6.0)) if at != 1 else one.latency_s
        one.reply_words = min(one.reply_words, 60)
    plan.place()
    return first + len(run) - 1


def _brief_replies(rng: Rng, plan: Plan, first: int) -> int:
    run = plan.exchanges[first : first + 4]
    usual = int(rng.integers(4))
    for at, one in enumerate(run):
        _ask(one)
        one.reply_words = 40 if at == usual else int(rng.integers(1, 4))
    plan.place()
    return first + len(run) - 1


def _several_cues(rng: Rng, plan: Plan, first: int) -> int:
    one = plan.exchanges[first]
    _ask(one)
    one.latency_s, one.reply_words = float(rng.uniform(4.5, 6.0)), 60
    plan.place()
    span = one.asked_s[1] - 30, one.asked_s[1] + 60
    plan.shifts += [(name, span, 3.0) for name in ("client_pause_prop", GAZE)]
    return plan.near(span[1])


def _slower_speech(rng: Rng, plan: Plan, first: int) -> int:
    run = plan.exchanges[first : first + 5]
    for one in run:
        one.words, one.reply_words = int(rng.integers(12, 30)), int(rng.integers(60, 90))
        one.latency_s, one.pause_s = min(one.latency_s, 2.0), min(one.pause_s, 2.0)
    plan.place()
    span = run[0].at_s, run[-1].reply_s[1]
    plan.shifts += [(name, span, 2.5) for name in SLOWED]
    return first + len(run) - 1


def _long_hold(rng: Rng, plan: Plan, first: int) -> int:
    one = plan.exchanges[first]
    _ask(one, words=int(rng.integers(200, 260)))
    ways = set(rng.permutation(4)[:2].tolist())
    one.latency_s = float(rng.uniform(4.5, 6.0)) if 0 in ways else 1.2
    one.reply_words = 2 if 1 in ways else 30
    plan.place()
    end = one.asked_s[1]
    if 2 in ways:
        plan.shifts.append((GAZE, (end - 40, end + 10), 3.5))
    if 3 in ways:
        plan.falls.append((end + 10, 30.0))
    return min(first + 1, len(plan.exchanges) - 1)


def _directive(rng: Rng, plan: Plan, first: int) -> int:
    for one in plan.exchanges[max(0, first - 2) : first + 3]:
        one.permits, one.directives, one.demurs = False, 0, False
    told, later = plan.exchanges[first], plan.exchanges[first + 1]
    told.asks, told.words, told.directives, told.reply_words = None, 25, 1, 30
    way = rng.integers(4)
    told.demurs = bool(way == 0)
    told.reply_words = 2 if way == 1 else 30
    later.directives, later.words, later.topic_z = int(way == 2), max(later.words, 8), 0.5
    plan.place()
    if way == 3:
        plan.falls.append((told.asked_s[1] + 5, 25.0))
    return first + 1


def _long_silence(rng: Rng, plan: Plan, first: int) -> int:
    one = plan.exchanges[first]
    one.incomplete = bool(rng.random() < 0.5)
    if one.incomplete:
        one.asks, one.latency_s = None, float(rng.uniform(3.2, 6.0))
    else:
        one.pause_s = float(rng.uniform(8.2, 14.0))
    plan.place()
    return min(first + 1, len(plan.exchanges) - 1)


PLANTERS: dict[str, Callable[[Rng, Plan, int], int]] = {
    "R4": _late_replies,
    "R5": _brief_replies,
    "R6": _several_cues,
    "R7": _slower_speech,
    "R8": _long_hold,
    "R9": _directive,
    "R10": _long_silence,
}
"""Each changes the plan from one exchange on and gives the index of the last that it changed."""
