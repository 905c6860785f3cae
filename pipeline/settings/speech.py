"""Settings of what is heard: voices, words, turns, roles, language and prosody."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.settings.section import Borrowed, ReadFrom, Section

_PHRASES = ReadFrom("language.lexicon")
"""The list of the setting's name in the lexicon."""


class DiarizeSettings(Section):
    """Who speaks when."""

    engine: str = Field(
        "embedded", description="embedded, community-1, or auto: this where its folder is"
    )
    num_speakers: int = Field(2, ge=2, le=2, description="People expected; only 2 is supported")
    most_speakers: int = Field(
        6, ge=2, le=10, description="Voices told apart where clearly more are heard; 2 = never more"
    )
    pause_min_s: float = Field(0.2, ge=0.1, description="Shortest pause inside a stretch, s")
    edge_reach_s: float = Field(0.2, ge=0, le=1, description="Most silence cut off an edge, s")
    edge_depth_db: float = Field(35.0, gt=0, description="Audible down to this under speech, dB")
    edge_above_noise_db: float = Field(6.0, ge=0, description="and this over the noise, dB")


class TranscribeSettings(Section):
    """Words with times."""

    language: str = Field("en", description="Language of the session, ISO 639-1")
    spoken_style: Annotated[list[str], _PHRASES] = Field(default_factory=list)
    prompt: str = Field("", description="Context given to the recogniser")
    hotwords: str = Field("", description="Words the recogniser should expect")
    longest_word_s: float = Field(1.5, gt=0, description="Longer words are cut to this, s")


class TurnsSettings(Section):
    """Turn-taking (METHODS: Turns and replies)."""

    ipu_gap_s: float = Field(0.2, ge=0.18, le=0.25, description="Silence that ends an IPU, s")
    backchannel_max_s: float = Field(1.0, gt=0, description="Longest backchannel, s")
    backchannel_max_words: int = Field(3, ge=1, description="Most words in a backchannel")
    backchannel_resume_s: float = Field(1.0, gt=0, description="Floor holder resumes within, s")
    silence_min_s: float = Field(3.0, gt=0, description="Shortest silence event, s")
    acknowledgements: Annotated[list[str], _PHRASES] = Field(default_factory=list)
    unfinished_endings: Annotated[list[str], _PHRASES] = Field(default_factory=list)


class RolesSettings(Section):
    """Which voice is the client's."""

    confidence_min: float = Field(0.7, ge=0.5, le=1, description="Below this: unknown")
    second_person: Annotated[list[str], _PHRASES] = Field(default_factory=list)
    first_person: Annotated[list[str], _PHRASES] = Field(default_factory=list)


class LanguageSettings(Section):
    """Questions and replies, from phrase lists in a lexicon file."""

    at_most = (("interruption_min_s", 1, "interruption_max_s"),)

    lexicon: str = Field("lexicon.en.toml", description="Phrase lists, a file in configs/")
    phrases: Annotated[dict[str, list[str]], ReadFrom("language.lexicon", whole=True)] = Field(
        default_factory=dict
    )
    minimal_reply_words: int = Field(3, ge=1, description="A reply this short is minimal")
    reply_window_s: float = Field(15.0, gt=0, description="A later turn is no reply, s")
    baseline_skip_s: float = Field(120.0, ge=0, description="Start left out of the baseline, s")
    baseline_min_n: int = Field(10, ge=2, description="Fewer replies give no z")
    baseline_ok_n: int = Field(20, ge=2, description="Fewer replies give a degraded z")
    interruption_min_s: float = Field(0.5, gt=0, description="Least overlap of an interruption, s")
    interruption_max_s: float = Field(1.0, gt=0, description="Longer: both talk on, none, s")
    voice_confidence_min: float = Field(0.7, ge=0, le=1, description="Less sure voices degrade")
    word_probability_min: float = Field(0.6, ge=0, le=1, description="Less sure words degrade")
    word_rate_min_wps: float = Field(1.0, ge=0, description="Fewer words a second degrade")
    word_rate_from_s: float = Field(2.0, gt=0, description="Shorter turns have no rate, s")


class ProsodySettings(Section):
    """Pitch, loudness, pauses and rate."""

    at_most = (("f0_floor_hz", 0.5, "f0_ceiling_hz"),)

    f0_floor_hz: float = Field(50.0, ge=20, description="First-pass lower limit, Hz")
    f0_ceiling_hz: float = Field(600.0, gt=0, description="First-pass upper limit, Hz")
    f0_hop_s: float = Field(0.01, gt=0, le=0.032, description="Frame step of pYIN, s")
    f0_resolution_st: float = Field(0.1, gt=0, lt=1, description="Pitch grid of pYIN, semitone")
    voiced_min_s: float = Field(0.5, gt=0, description="Less voiced speech gives no pitch, s")
    syllable_dip_db: float = Field(2.0, gt=0, description="Dip on both sides of a nucleus, dB")
    syllable_range_db: float = Field(25.0, gt=0, description="Nuclei reach this below the peak, dB")
    pause_min_turn_s: float = Field(3.0, gt=0, description="Less turn time gives no pause share, s")
    pause_min_s: float = Field(0.2, gt=0, description="Shortest pause inside a turn, s")
    rate_min_syllables: int = Field(10, ge=1, description="Fewer syllables give no rate")
    rate_min_phonation_s: float = Field(3.0, gt=0, description="Less phonation gives no rate, s")
    f0_min_snr_db: float = Field(15.0, description="A noisier recording gives no pitch, dB")
    rate_min_snr_db: float = Field(10.0, description="and a noisier one no rate, dB")
    slice_s: float = Field(10.0, gt=0, description="Length of the fixed slices, s")
    baseline_skip_s: float = Field(120.0, ge=0, description="Start left out of baselines, s")
    baseline_min_n: int = Field(20, ge=2, description="Fewest turns of a baseline")
    voice_confidence_min: Annotated[float, Borrowed("language")] = (
        LanguageSettings().voice_confidence_min
    )
