"""The one table of what was measured: each benchmark puts its rows into benchmarks/README.md."""

from pathlib import Path

TABLE = Path(__file__).parent / "README.md"
ORDER = ("grading", "course", "speed", "triton_bn", "site", "practice")
HEAD = """# What was measured

`make bench` measures and writes this table; the files named in it hold all figures and say what
they were measured on. Ratios, because a ratio travels from one machine to another.

| What | Measured | Goal | From |
|---|---|---|---|
"""


def note(source, rows):
    """Put the rows of one benchmark into the table, in place of those it had.

    source  the benchmark, its file's name without the suffix
    rows    (what, measured, goal) as text; the goal is "" where there is none
    """
    text = TABLE.read_text(encoding="utf-8") if TABLE.exists() else ""
    kept = [line for line in text.splitlines() if line.startswith("| ") and "](" in line]
    mark = f"| [{source}]({source}.md) |"
    kept = [line for line in kept if not line.endswith(mark)]
    kept += [f"| {what} | {measured} | {goal} {mark}" for what, measured, goal in rows]
    place = {f"[{name}]({name}.md) |": number for number, name in enumerate(ORDER)}
    kept.sort(key=lambda line: place[line.rsplit("| ", 1)[1]])
    TABLE.write_text(HEAD + "\n".join(kept) + "\n", encoding="utf-8")
