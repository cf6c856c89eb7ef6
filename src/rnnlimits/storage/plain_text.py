"""Text that somebody else wrote, before it reaches a terminal or a spreadsheet: there it must stay text.

A terminal obeys what stands between letters: it moves its cursor, hides lines, sets its title.  A spreadsheet
takes a cell that begins with "=" for a formula, also in a file of another's host names.
"""

import re

# Lines and tabs stay.  Of the others: commands, lines that are none, letters that change the order of writing
# or cannot be written at all.
UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
NUMBER = r"[-+]?(?:\d+(?:\.\d*)?(?:e[-+]?\d+)?|inf|nan)"
NUMBERS = re.compile(f"{NUMBER}(?: to {NUMBER})?")  # a bound is as harmless as a number
FORMULA = ("=", "+", "-", "@", "\t", "\n", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # also in full width


def printable(text: str) -> str:
    r"""
    >>> print(printable("node\x1b[31m 7"), printable("two\nlines") == "two\nlines")
    node\x1b[31m 7 True
    """
    return UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def no_formula(text: str) -> str:
    """For a cell of a table: the apostrophe is how a spreadsheet itself marks text.

    >>> no_formula("=1+1"), no_formula("-2+3"), no_formula("-0.5"), no_formula("-0.5 to 1e-3")
    ("'=1+1", "'-2+3", '-0.5', '-0.5 to 1e-3')
    """
    text = printable(text)
    return f"'{text}" if text.startswith(FORMULA) and not NUMBERS.fullmatch(text) else text
