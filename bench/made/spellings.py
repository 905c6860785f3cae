"""Other spellings of an id, as hands, keyboards and word processors make them."""

from __future__ import annotations

import unicodedata
from random import Random

BLANKS = (" ", "\u00a0", "\t", "\u3000", "\u2009", "\n")
UNSEEN = ("\u200b", "\u00ad", "\ufeff", "\u2060", "\u200e", "\u180e", "\ufe0f", "\u034f")
DASHES = ("-", "\u2010", "\u2011", "\u2013", "\u2014", "\u2212", "\ufe63", "\uff0d")
ALPHABETS = str.maketrans("ACEKMOPTWacekmoptw0", "АСЕКМОРТԜасекмортԝО")


def wide(text: str) -> str:
    """In the full-width forms of an East Asian keyboard."""
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def respelt(chance: Random, written: str) -> str:
    """A spelling that a person would take for the same id."""
    case = chance.choice((str, str.lower, str.upper, str.title, str.swapcase))
    form = chance.choice(("NFC", "NFD", "NFKC", "NFKD"))
    text = unicodedata.normalize(form, case(written))
    text = "".join(chance.choice(DASHES) if c == "-" else c for c in text)
    if chance.random() < 0.3:
        text = wide(text)
    for _ in range(chance.randint(0, 2)):
        at = chance.randint(0, len(text))
        text = text[:at] + chance.choice(UNSEEN) + text[at:]
    around = ["".join(chance.choices(BLANKS, k=chance.randint(0, 2))) for _ in range(2)]
    return around[0] + text + around[1]


def near(written: str) -> dict[str, str]:
    """What it is -> a spelling that nobody but a computer would take for another id."""
    letters, digits = written.rstrip("0123456789"), written[len(written.rstrip("0123456789")) :]
    return {
        "blank behind": written + " ",
        "blank before": " " + written,
        "no-break blank": written + "\u00a0",
        "tab": written + "\t",
        "small": written.lower(),
        "capitals": written.upper(),
        "mixed": written.swapcase(),
        "full width": wide(written),
        "decomposed": unicodedata.normalize("NFD", written),
        "soft hyphen": letters + "\u00ad" + digits,
        "zero width": letters + "\u200b" + digits,
        "byte order mark": "\ufeff" + written,
        "zero left out": letters + digits.lstrip("0"),
        "zero added": letters + "0" + digits,
        "two zeros": letters + "00" + digits,
        "letter O": letters + digits.replace("0", "O"),
        "small o": letters + digits.replace("0", "o"),
        "small l": letters + digits.replace("1", "l"),
        "capital I": letters + digits.replace("1", "I"),
        "hyphen": f"{letters}-{digits}",
        "underscore": f"{letters}_{digits}",
        "blank inside": f"{letters} {digits}",
        "dot": f"{letters}.{digits}",
        "slash": f"{letters}/{digits}",
        "en dash": f"{letters}\u2013{digits}",
        "full stop": written + ".",
        "quotes": f"'{written}'",
        "Cyrillic": written.translate(ALPHABETS),
        "letter twice": letters + letters[-1] + digits,
        "key beside": written + "x",
    }
