"""What the demo prints: one line per step, a live figure while it works, two tables side by side. Plain text without a terminal."""

import os
import shutil
import sys
import time

LIVE_INTERVAL_SECONDS = 0.1


class Screen:
    def __init__(self):
        self.terminal = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        colour = self.terminal and "NO_COLOR" not in os.environ
        self.dim, self.bold, self.good, self.bad, self.off = (
            ("\033[2m", "\033[1m", "\033[32m", "\033[31m", "\033[0m") if colour else ("",) * 5
        )
        self.width = min(shutil.get_terminal_size((100, 24)).columns, 110)
        self._step, self._began, self._drawn_at = None, 0.0, 0.0

    def title(self, text, below):
        print(f"\n{self.bold}{text}{self.off}\n{self.dim}{below}{self.off}\n", flush=True)

    def step(self, text):
        """Begins a step; progress() and done() speak about it."""
        self._step, self._began, self._drawn_at = text, time.monotonic(), 0.0
        if self.terminal:
            self._draw("…", "")

    def progress(self, text):
        now = time.monotonic()
        if self.terminal and now - self._drawn_at >= LIVE_INTERVAL_SECONDS:
            self._drawn_at = now
            self._draw("…", text)

    def done(self, text=""):
        seconds = f"{time.monotonic() - self._began:.1f} s"
        if self.terminal:
            self._draw(f"{self.good}✓{self.off}", text, seconds)
            print(flush=True)
        else:
            print(f"  ok  {self._step:<20} {text}  ({seconds})", flush=True)
        self._step = None

    def failed(self, text):
        if self._step is not None:
            if self.terminal:
                self._draw(f"{self.bad}✗{self.off}", "")
                print()
            else:
                print(f"FAIL  {self._step}")
            self._step = None
        print(f"\n{self.bad}{text}{self.off}\n", flush=True)

    def _draw(self, mark, text, right=""):
        # A line that wraps could not be drawn over.
        room = self.width - 28 - len(right)
        text = text if len(text) <= room or right else text[: room - 1] + "…"
        line = f"  {mark}  {self.bold}{self._step:<20}{self.off} {text}"
        if right:
            line += f"  {self.dim}{right}{self.off}"
        print(f"\r\033[K{line}", end="", flush=True)

    def note(self, text=""):
        print(f"     {self.dim}{text}{self.off}" if text else "", flush=True)

    def pairs(self, rows):
        """Name and value, aligned."""
        widest = max(len(name) for name, _ in rows)
        for name, value in rows:
            print(f"     {name:<{widest}}   {self.bold}{value}{self.off}")
        print(flush=True)

    def table(self, header, rows, indent=5):
        """Columns as wide as their content; numbers to the right."""
        cells = [[_cell(c) for c in row] for row in [header, *rows]]
        widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
        right = [bool(rows) and all(isinstance(row[i], (int, float)) for row in rows) for i in range(len(header))]
        for n, row in enumerate(cells):
            line = "  ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right)).rstrip()
            print(" " * indent + (f"{self.dim}{line}{self.off}" if n == 0 else line))
        print(flush=True)

    def side_by_side(self, left_title, right_title, header, left, right):
        """The same rows on both sides, an arrow between them."""
        texts = [[_cell(c) for c in row] for row in [header, *left, *right]]
        widths = [max(len(row[i]) for row in texts) for i in range(len(header))]
        span = max(sum(widths) + 2 * (len(widths) - 1), len(left_title))

        def line(row):
            return "  ".join(_cell(c).ljust(w) for c, w in zip(row, widths)).ljust(span)

        print(f"     {self.bold}{left_title:<{span}}{self.off}     {self.bold}{right_title}{self.off}")
        print(f"     {self.dim}{line(header)}     {line(header).rstrip()}{self.off}")
        for a, b in zip(left, right):
            print(f"     {line(a)}  {self.good if a == b else self.bad}{'→' if a == b else '≠'}{self.off}  {line(b).rstrip()}")
        print(flush=True)


def _cell(value):
    if value is None:
        return "NULL"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)
