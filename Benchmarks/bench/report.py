"""What a section found out, and how it is printed."""
from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median


class DidNotRun(Exception):
    """A contestant failed: its comparison says why, and has no ratios."""


@dataclass(frozen=True)
class Target:
    """A bound for the median of one contestant: a multiple of a peer's median, or a value when there is no peer."""

    contestant: str
    limit: float
    peer: str | None = None
    at_least: bool = False

    def __str__(self) -> str:
        bound = "at least" if self.at_least else "at most"
        return f"{bound} {self.limit:g}" + (f" x {self.peer}" if self.peer else "")


@dataclass
class Comparison:
    """One quantity, of several contestants, from runs in alternating order."""

    title: str
    unit: str
    values: dict[str, list[float]] = field(default_factory=dict)
    targets: list[Target] = field(default_factory=list)
    #: Sentences about settings and about what the figures mean, printed below the table.
    notes: list[str] = field(default_factory=list)
    #: Why there is nothing to compare.
    failure: str | None = None

    def why_not(self) -> str | None:
        """Why no ratio may be printed: something failed, or something that is compared has no value."""
        if self.failure:
            return self.failure
        if not self.values:
            return "nothing was measured"
        compared = {target.contestant for target in self.targets} | {target.peer for target in self.targets if target.peer}
        missing = sorted(name for name in compared | set(self.values) if not self.values.get(name))
        return f"no values of {', '.join(missing)}" if missing else None

    def measured(self, target: Target) -> float:
        """What the target bounds: the median, or the ratio of the medians."""
        value = median(self.values[target.contestant])
        if target.peer is None:
            return value
        peer = median(self.values[target.peer])
        return value / peer if peer else float("inf")

    def is_met(self, target: Target) -> bool:
        measured = self.measured(target)
        return measured >= target.limit if target.at_least else measured <= target.limit

    def missed(self) -> list[Target]:
        return [] if self.why_not() else [target for target in self.targets if not self.is_met(target)]

    def markdown(self) -> str:
        """The table, or the reason why there is none."""
        reason = self.why_not()
        if reason:
            return f"### {self.title}\n\ndid not run: {reason}\n"
        lines = [f"### {self.title}", "", f"| contestant | {self.unit} | median | target | measured | |", "|---|---|---|---|---|---|"]
        for name, values in self.values.items():
            row = f"| {name} | {', '.join(number(value) for value in values)} | {number(median(values))} "
            targets = [target for target in self.targets if target.contestant == name]
            for target in targets or [None]:
                if target is None:
                    lines.append(row + "| | | |")
                else:
                    verdict = "met" if self.is_met(target) else "MISSED"
                    lines.append(row + f"| {target} | {number(self.measured(target))} | {verdict} |")
                row = "| | | "
        lines += ["", *[f"- {note}" for note in self.notes]]
        return "\n".join(lines).rstrip() + "\n"


def number(value: float) -> str:
    """Three significant digits, and all of those before the point."""
    if value == 0 or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}"
