"""What speakers are called in transcripts, and which names settle a role.

A name is compared without case, blanks and marks at its ends. The words are those of programs that
number speakers, and of people who type a role; [ours].
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

from pipeline.paperwork.session_media import Role

_NUMBERED = re.compile(
    r"(?:speaker|spk|spkr|person|participant|attendee|contact|voice|guest|user|caller|channel|track|"
    r"sprecher(?:in)?|person|teilnehmer(?:in)?|kontakt|stimme|gast|kanal|"
    r"locuteur|locutrice|intervenant|hablante|persona|interlocutor|relatore|parlante|voce|spreker)"
    r"[ _#.-]{0,3}(?:\d{1,4}|[a-z]|\?)|s\d{1,2}|spk[_-]?\d{1,3}"
)
_NUMBERLESS = """
speaker, sprecher, sprecherin, interviewer, interviewee, moderator, narrator, host, guest, gast,
unknown, unknown speaker, unidentified speaker, unidentified, unbekannt, unbekannter sprecher,
male speaker, female speaker, male voice, female voice, all, both, alle, beide
"""
_THERAPIST = """
therapist, psychotherapist, counselor, counsellor, clinician, analyst, therapeut, therapeutin,
psychotherapeut, psychotherapeutin, berater, beraterin, thérapeute, psychothérapeute, terapeuta,
psicoterapeuta
"""
_CLIENT = """
client, patient, klient, klientin, patientin, analysand, analysandin, patiente, cliente, paciente,
consultante, paziente
"""


def _listed(names: str) -> list[str]:
    return [" ".join(name.split()) for name in names.split(",")]


_PLAIN = frozenset(_listed(_NUMBERLESS))
_ROLE_WORDS: dict[str, Role] = {
    **dict.fromkeys(_listed(_THERAPIST), "therapist"),
    **dict.fromkeys(_listed(_CLIENT), "client"),
}
_LETTERS: dict[str, Role] = {
    **dict.fromkeys(("t", "th"), "therapist"),
    **dict.fromkeys(("c", "cl", "p", "pt", "pat", "k", "kl"), "client"),
}
_MARKS = " :.,;*>-–—[]()<>"
_IN_BRACKETS = re.compile(r"[(\[]([^()\[\]]{1,40})[)\]]")


def plain(name: str) -> str:
    """A name as it is compared: composed, small letters, single blanks, no marks around it."""
    composed = unicodedata.normalize("NFC", name).casefold()
    return " ".join(composed.split()).strip(_MARKS)


def is_generic(name: str) -> bool:
    """Whether a program, or a person who gives no names, calls a speaker so."""
    name = plain(name)
    return name in _PLAIN or name in _ROLE_WORDS or _NUMBERED.fullmatch(name) is not None


def roles_of(names: Iterable[str], known: Mapping[str, Role]) -> dict[str, Role]:
    """The roles that names state: as `known` says, by a role's own word, or as initials.

    Initials such as T and C settle roles only where both stand in the file.

    Parameters
    ----------
    names : as the file gives them
    known : pseudonyms of the session, and `speakers` of session.toml; both as `plain` gives them
    """
    listed = list(names)
    found: dict[str, Role] = {}
    for name in listed:
        inner = [plain(part) for part in _IN_BRACKETS.findall(name)]
        outer = plain(_IN_BRACKETS.sub(" ", name))
        for form in (plain(name), outer, *inner):
            role = known.get(form) or _ROLE_WORDS.get(form)
            if role:
                found.setdefault(name, role)
    initials = {name: _LETTERS[plain(name)] for name in listed if plain(name) in _LETTERS}
    if len(set(initials.values())) == 2:
        found = initials | found
    return found
