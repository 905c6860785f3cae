"""Profiles: strict, with a hint; generated files are fresh."""

import tomllib

import pytest

from flows.dictionary import default_profile
from pipeline.config import CONFIGS, ConfigError, load_profile
from pipeline.profile import Profile
from pipeline.settings.section import Borrowed, ReadFrom
from pipeline.tables.rules import RULE_IDS


def write(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.toml")), ids=lambda p: p.stem)
def test_every_file_in_configs_is_good(path):
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    if set(raw) & set(Profile.model_fields) and not path.stem.startswith(("lexicon", "innocent")):
        load_profile(path)
    else:
        raw.pop("language", None)
        assert all(isinstance(phrases, list) for phrases in raw.values())


def test_default_profile_is_generated_from_the_code():
    assert (CONFIGS / "default.toml").read_text(encoding="utf-8") == default_profile(), (
        "run `make docs`"
    )


def test_default_profile_changes_nothing():
    loaded, plain = load_profile(), Profile()
    for name in Profile.model_fields:
        if name not in ("language", "report"):
            lists = {filled: [] for filled in loaded.section(name).marked(ReadFrom)}
            assert all(getattr(loaded.section(name), filled) for filled in lists)
            assert loaded.section(name).model_copy(update=lists) == plain.section(name)


def test_profile_overrides_only_what_it_names(tmp_path):
    profile = load_profile(write(tmp_path, "[candidates]\nz_enter = 2.5\n"))
    assert profile.candidates.z_enter == 2.5
    assert profile.candidates.z_leave == Profile().candidates.z_leave


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[candidates]\nz_entr = 2.0\n", "did you mean 'z_enter'"),
        (
            "[candidates]\nslow_latency_s = 3.0\n",
            r"candidates.slow_latency_s stands in \[candidates.R4\]; move it there",
        ),
        ("[candidates.R4]\nslow_run_count = 9\n", "candidates.R4.slow_run_count = 9; allowed with"),
        ('[candidates]\nrules = ["R99"]\n', f"'R1', .* or '{RULE_IDS[-1]}'"),
        ("[candidate]\nz_enter = 2.0\n", "did you mean 'candidates'"),
        ("[ratings]\nlag_s = 9.0\n", "less than or equal to 6"),
        ('[ratings]\nlag_s = "2"\n', "ratings.lag_s"),
        ('[candidates]\nz_enter = "2"\n', "z_enter = '2': allowed: a number, without quotes"),
        ("[ratings\n", "not TOML"),
        ('[execution]\ndevice = "gpu"\n', "'auto', 'cpu' or 'cuda'"),
        ("[movement]\nsegment_s = 4\nsegment_lag_s = 5\n", "segment_s = 4: at most 2"),
        ("[candidates]\nz_leave = 3.0\n", "candidates.z_leave = 3; allowed with z_enter = 1.5"),
        ('[language]\nlexicon = "mine.toml"\n', "language.lexicon = 'mine.toml': no such file"),
    ],
)
def test_a_bad_profile_says_what_is_wrong(tmp_path, text, complaint):
    with pytest.raises(ConfigError, match=complaint):
        load_profile(write(tmp_path, text))


def test_a_missing_profile_says_where_ready_ones_lie(tmp_path):
    with pytest.raises(ConfigError, match="configs/"):
        load_profile(tmp_path / "nowhere.toml")


def test_phrase_lists_reach_the_settings():
    profile = load_profile()
    assert profile.language.phrases
    assert profile.report.innocent_causes


BORROWED = [
    (name, setting, mark.owner)
    for name in Profile.model_fields
    for setting, mark in Profile().section(name).marked(Borrowed).items()
]


def test_what_stood_in_two_sections_is_borrowed():
    assert len(BORROWED) == 10
    said = [field.description or "" for name in Profile.model_fields
            for field in type(Profile().section(name)).model_fields.values()]  # fmt: skip
    assert not [text for text in said if "As in [" in text or text.startswith("Filled from")]


@pytest.mark.parametrize(("name", "setting", "owner"), BORROWED)
def test_a_borrowed_setting_follows_its_owner_and_is_refused_elsewhere(
    tmp_path, name, setting, owner
):
    plain = Profile()
    default = getattr(plain.section(owner), setting)
    assert getattr(plain.section(name), setting) == default
    less = default - 1 if isinstance(default, int) else default * 0.9
    loaded = load_profile(write(tmp_path, f"[{owner}]\n{setting} = {less}\n"))
    assert getattr(loaded.section(name), setting) == less
    for value in (default, less):
        text = f"[{name}]\n{setting} = {value}\n"
        told = rf"mine\.toml: {name}\.{setting} = {value}: it is \[{owner}\]'s .* {default}; delete"
        with pytest.raises(ConfigError, match=told):
            load_profile(write(tmp_path, text))


@pytest.mark.parametrize("name", list(Profile.model_fields))
def test_what_a_file_holds_is_refused_in_a_profile(tmp_path, name):
    for setting, mark in Profile().section(name).marked(ReadFrom).items():
        value = "{}" if mark.whole else "[]"
        with pytest.raises(ConfigError, match=f"{name}.{setting} cannot .* {mark.named_by} names"):
            load_profile(write(tmp_path, f"[{name}]\n{setting} = {value}\n"))


def test_a_lexicon_of_another_language_is_refused(tmp_path, monkeypatch):
    german = write(tmp_path, '[transcribe]\nlanguage = "de"\n')
    with pytest.raises(ConfigError, match=r"'de', but .*'lexicon\.en\.toml' holds phrases of 'en'"):
        load_profile(german)
    for name in ("default.toml", "innocent_causes.toml"):
        (tmp_path / name).write_bytes((CONFIGS / name).read_bytes())
    english = (CONFIGS / "lexicon.en.toml").read_text(encoding="utf-8")
    lexicon = tmp_path / "lexicon.en.toml"
    monkeypatch.setattr("pipeline.config.CONFIGS", tmp_path)
    lexicon.write_text(english.replace('language = "en"', 'language = "de"'), encoding="utf-8")
    assert load_profile(german).transcribe.spoken_style
    lexicon.write_text(english.replace('language = "en"', ""), encoding="utf-8")
    with pytest.raises(ConfigError, match="does not say of which language it is"):
        load_profile(german)
