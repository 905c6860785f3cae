"""session.toml: what is accepted, and what a mistake is told."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import SessionError
from pipeline.paperwork.session import named_files, own_channels, public_name
from pipeline.paperwork.session_toml import load_session, people_in

GOOD = """
[session]
dyad = "D07"
number = 5
client = "C07"
therapist = "T02"
date = 2026-03-02

[[media]]
file = "room.wav"
hears = ["mixed"]
"""


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "D07-05"
    place.mkdir()
    (place / "room.wav").write_bytes(b"x")
    return place


def load(folder, text):
    (folder / "session.toml").write_text(text, encoding="utf-8")
    return load_session(folder)


def test_a_good_session_is_read(folder):
    spec = load(folder, GOOD)
    assert spec.id == "D07-05"
    assert spec.media[0].hears == ["mixed"]
    assert spec.public_name == public_name("D07-05")
    assert spec.public_name.startswith("s-")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("number = 5", "number = 0"), "session.number"),
        (("number = 5", 'number = "5"'), "session.number"),
        (('client = "C07"\n', ""), "session.client"),
        (('"mixed"', '"everyone"'), "media.0.hears"),
        (('hears = ["mixed"]', ""), "hears"),
        (('file = "room.wav"', 'file = "gone.wav"'), "not in the folder"),
        (('file = "room.wav"', 'file = "../../etc/passwd"'), "outside the session"),
        (("[session]", "[session"), "not TOML"),
        (("[[media]]", "colour = 3\n[[media]]"), "colour"),
        (('hears = ["mixed"]', 'hears = ["mixed"]\noffset_s = nan'), "media.0.offset_s = nan"),
        (('hears = ["mixed"]', 'hears = ["mixed"]\noffset_s = -inf'), "media.0.offset_s = -inf"),
        (('client = "C07"', 'client = "T02"'), "client and therapist are both 'T02'"),
        (('hears = ["mixed"]', 'hears = ["client"]'), "nobody hears the therapist"),
        (('"mixed"', '"mixed", "mixed"'), r"room\.wav: hears = .* names the same twice"),
        (('"mixed"', '"client", "client"'), r"room\.wav: hears = .* names the same twice"),
        (('"mixed"', '"mixed", "client"'), r"room\.wav hears both .* room\.wav hears the client"),
    ],
)
def test_a_mistake_names_session_and_field(folder, change, complaint):
    with pytest.raises(SessionError, match=complaint) as error:
        load(folder, GOOD.replace(*change))
    assert "D07-05" in str(error.value)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("hears", "hear"), r"media\.0\.hear is not a key of session\.toml; did you mean 'hears'"),
        (("number", "nr"), r"session\.nr is not .*; allowed: dyad, number, client"),
        (("[[media]]", "[[medai]]"), "medai is not .*; did you mean 'media'"),
        (("2026-03-02", '"2026-03-02"'), r"session\.date = '2026-03-02': .* without quotes"),
        (("[[media]]", "[media]"), r"two brackets: \[\[media\]\]"),
        (("[session]", "[[session]]"), r"one bracket: \[session\]"),
        (("number = 5", 'number = "5"'), "session.number = '5': allowed: a whole number, without"),
    ],
)
def test_a_mistake_is_told_with_its_remedy(folder, change, complaint):
    with pytest.raises(SessionError, match=complaint) as error:
        load(folder, GOOD.replace(*change))
    assert not any(word in str(error.value) for word in ("Input should", "not permitted", "Field"))


def test_the_value_of_an_unknown_key_is_not_repeated(folder):
    with pytest.raises(SessionError) as error:
        load(folder, GOOD.replace("[[media]]", 'name = "Jane Doe"\n[[media]]'))
    assert "Jane" not in str(error.value)


def test_another_encoding_is_named_with_its_line(folder):
    text = GOOD.replace('"D07"', '"Müller"')
    (folder / "session.toml").write_bytes(text.encode("cp1252"))
    with pytest.raises(SessionError, match=r"session\.toml, line 3: byte 0xfc .* save .* UTF-8"):
        load_session(folder)


def seen(regions):
    return GOOD + f'shows = ["client"]\nregions = {regions}\n'


def test_regions_say_where_people_sit(folder):
    assert load(folder, GOOD).media[0].regions == {}
    spec = load(folder, seen("{ client = [0, 0.2, 0.5, 0.8] }"))
    assert spec.media[0].regions == {"client": [0.0, 0.2, 0.5, 0.8]}


@pytest.mark.parametrize(
    ("regions", "complaint"),
    [
        ("{ therapist = [0.1, 0.1, 0.2, 0.2] }", r"therapist = \[.*\], but `shows` of room\.wav"),
        ("{ client = [0.1, 0.1, 0.2] }", "allowed: four numbers"),
        ("{ client = [-0.1, 0.1, 0.2, 0.2] }", r"client = \[-0\.1, .* 0\.\.1"),
        ("{ client = [0.9, 0.1, 0.2, 0.2] }", r"left \+ width"),
        ("{ client = [0.1, 0.1, 0.0, 0.2] }", "above 0"),
        ("{ client = [0.1, 0.1, nan, 0.2] }", r"media\.0\.regions\.client\.2 = nan"),
        ("{ guest = [0.1, 0.1, 0.2, 0.2] }", "media.0.regions.guest"),
        ('{ client = "left" }', r"media\.0\.regions\.client = 'left'"),
    ],
)
def test_a_region_that_cannot_be_is_refused(folder, regions, complaint):
    with pytest.raises(SessionError, match=complaint) as error:
        load(folder, seen(regions))
    assert "D07-05" in str(error.value)


@pytest.mark.parametrize("total", ["nan", "inf"])
def test_a_form_without_a_finite_total_is_refused(folder, total):
    form = f'\n[[forms]]\ninstrument = "SRS"\nby = "client"\ntotal = {total}\nmax = 40\n'
    with pytest.raises(SessionError, match=r"forms\.0\.total"):
        load(folder, GOOD + form)


LAPEL = '\n[[media]]\nfile = "lapel.wav"\nhears = ["{role}"]\noffset_s = 0.5\n'


def test_a_microphone_each_on_one_file_or_on_two(folder):
    (folder / "lapel.wav").write_bytes(b"x")
    assert own_channels(load(folder, GOOD)) == ()
    for order in (["client", "therapist"], ["therapist", "client"]):
        spec = load(folder, GOOD.replace('["mixed"]', str(order).replace("'", '"')))
        assert own_channels(spec) == tuple(order)
    spec = load(folder, GOOD.replace('"mixed"', '"therapist"') + LAPEL.format(role="client"))
    assert own_channels(spec) == ("therapist", "client")
    assert spec.media[1].offset_s == 0.5


@pytest.mark.parametrize(
    ("first", "second", "complaint"),
    [
        ("mixed", "client", r"room\.wav hears both voices mixed, but lapel\.wav hears the client"),
        ("client", "client", r"room\.wav hears the client only, and nobody hears the therapist"),
        ('client", "therapist', "client", r"the client is heard twice, in room\.wav and in lapel"),
    ],
)
def test_microphones_that_cannot_be_told_apart_are_refused(folder, first, second, complaint):
    (folder / "lapel.wav").write_bytes(b"x")
    with pytest.raises(SessionError, match=complaint) as error:
        load(folder, GOOD.replace('"mixed"', f'"{first}"') + LAPEL.format(role=second))
    assert "D07-05" in str(error.value)


def test_two_dials_of_one_rater_are_refused(folder):
    (folder / "d.csv").write_text("time,rating\n")
    dial = '\n[[ratings]]\nfile = "d.csv"\nrater = "client"\n'
    with pytest.raises(SessionError, match="two"):
        load(folder, GOOD + dial + dial)


def test_a_folder_without_session_toml_is_told_so(folder):
    with pytest.raises(SessionError, match=r"no session\.toml"):
        load_session(folder)


@pytest.mark.parametrize(
    ("put", "what"),
    [(Path.mkdir, "a folder"), (lambda p: p.symlink_to(p), "a link that leads to itself")],
)
def test_what_lies_in_the_place_of_session_toml_is_named(folder, put, what):
    (folder / "session.toml").unlink(missing_ok=True)
    put(folder / "session.toml")
    said = rf"session D07-05: session.toml is {what}; allowed: a file. Rename .* in its place"
    for read in (load_session, people_in):
        with pytest.raises(SessionError, match=said):
            read(folder)


def test_a_folder_name_that_is_no_id_is_refused(tmp_path):
    place = tmp_path / "Jane Doe 5"
    place.mkdir()
    (place / "room.wav").write_bytes(b"x")
    with pytest.raises(SessionError, match="rename the folder"):
        load(place, GOOD)


def test_bom_and_crlf_are_fine(folder):
    (folder / "session.toml").write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert load_session(folder).session.number == 5


FORM = '\n[[forms]]\ninstrument = "{}"\nby = "client"\ntotal = {}\nmax = {}\n'
GUESSES = '\n[guesses]\nfile = "guesses.csv"\nblinded = true\n'
REASONS = '\n[[reasons]]\nfile = "why.csv"\nrater = "client"\n'


def test_guesses_reasons_and_a_flag_are_read(folder):
    (folder / "guesses.csv").write_text("start,end,guess\n")
    (folder / "why.csv").write_text("start,end,reason\n")
    flagged = FORM.format("ORS", 14.0, 40) + 'flag = "call first"\n'
    spec = load(folder, GOOD + GUESSES + REASONS + flagged)
    assert (spec.guesses.blinded, spec.guesses.split_known) == (True, True)
    assert spec.reasons[0].rater == "client"
    assert spec.forms[0].flag == "call first"
    assert named_files(spec) == ["room.wav", "why.csv", "guesses.csv"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (FORM.format("SRS", 41.0, 40), "forms.0: total = 41 is above max = 40"),
        (FORM.format("ORS", 20.0, 40) + "goal = 5.0\n", "ORS has no subscales"),
        (2 * FORM.format("ORS", 20.0, 40), r"two \[\[forms\]\] ORS by the client"),
        (GUESSES, "'guesses.csv', which is not in the folder"),
        (GUESSES.replace("blinded = true\n", ""), "guesses.blinded is missing"),
        (2 * REASONS, r"two \[\[reasons\]\] by the same rater"),
    ],
)
def test_other_inputs_that_cannot_be_are_refused(folder, text, complaint):
    with pytest.raises(SessionError, match=complaint):
        load(folder, GOOD + text)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(part=st.integers(1, 300), parts=st.integers(1, 400))
def test_a_name_of_any_length_is_refused_in_a_sentence(folder, part, parts):
    """The system's limits are its own business: 255 bytes a name, 4096 a path."""
    name = "/".join(["a" * part] * parts)
    with pytest.raises(SessionError, match=r"name|folder"):
        load(folder, GOOD.replace("room.wav", name))
