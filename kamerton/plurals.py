"""A number with what it counts: 1 galaxy, 2 galaxies."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """Say a number and its noun, which is given for one."""
    if number == 1:
        return f"1 {noun}"
    if noun.endswith("y"):
        return f"{number} {noun[:-1]}ies"
    return f"{number} {noun}{'es' if noun.endswith('s') else 's'}"
