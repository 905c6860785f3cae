"""Good files of every kind, and pieces that break parsers, for `bench.fuzz`."""

from __future__ import annotations

import io
import json
import wave

SESSION = """[session]
dyad = "D07"
number = 5
client = "C07"
therapist = "T02"
date = 2026-03-02
capture = "in_room"

[[media]]
file = "room.wav"
hears = ["mixed"]
shows = ["client"]
regions = { client = [0.1, 0.2, 0.5, 0.6] }
offset_s = 0.5

[[ratings]]
file = "room.wav"
rater = "client"
scale = [1, 9]
started_at = 10:02:13

[transcript]
file = "room.wav"

[[forms]]
instrument = "SRS"
by = "client"
total = 32.5
max = 40
"""
REGISTER = """[[consent]]
person = "C07"
role = "client"
sessions = "*"
scopes = ["record", "analyse_audio"]
decision = "granted"
date = 2026-01-10
expires = 2027-01-10

[[consent]]
person = "C7"
role = "client"
sessions = ["W4"]
scopes = ["record", "dial"]
decision = "withdrawn"
date = 2026-02-10
exact = true
"""
PROFILE = """[face]
blink_depth_min = 0.2

[execution]
retries = 2
device = "cpu"
"""
VTT = """WEBVTT - made

NOTE a remark

1
00:01.000 --> 00:04.000 align:start
<v Therapist>What makes you say <c.yellow>that</c>?

00:00:04.500 --> 00:00:08.000
- Well, &amp; <00:00:05.000>then <b>this</b>
CLIENT: yes [laughs]
"""
SRT = """1
00:00:01,000 --> 00:00:04,000
THERAPIST: What makes you say <i>that</i>?

2
00:00:04,500 --> 00:00:08,000
Well, then this
"""
STM = """;; made
rec 1 T02 0.50 2.75 <o,f0,female> what { makes / made } you (uh) say that
rec 1 C07 3.0 6.5 well [laugh] then this
rec 1 inter_segment_gap 6.5 7.0
"""
WORDS = [
    {"word": "What", "start": 0.5, "end": 0.8, "score": 0.9, "speaker": "SPEAKER_00"},
    {"word": "42"},
    {"word": "then", "start": 2.0, "end": 2.25, "probability": 0.5},
]
WHISPERX = {
    "segments": [
        {"start": 0.5, "end": 2.5, "text": "What 42 then", "speaker": "SPEAKER_00", "words": WORDS},
        {"start": 3, "end": 5.5, "text": "yes \u00e4 \ud83d\ude00", "words": []},
    ],
    "language": "en",
}
WHISPER_CPP = {
    "transcription": [
        {"timestamps": {"from": "00:00:00,000", "to": "00:00:02,000"}, "text": " What makes"}
    ]
}
PLAIN = "time,rating\n" + "".join(f"{t},{50 + t % 7}\n" for t in range(0, 600, 5))
CLOCK = "time;rating\n" + "".join(f"0:{t // 60:02}:{t % 60:02};{50 + t % 9}\n" for t in range(80))
EVENTS = (
    "time_ms,event,rating,position\n0,play,,0\n1000,rating,55,1\n2000,pause,,2\n"
    "9000,seek,,1\n9500,play,,1\n12000,rating,60,3.5\n20000,stop,,\n"
)
CARMA = (
    "Time of Rating,02-Mar-2026 10:00:00\nMultimedia File,film.mp4\nLower Label,hindering\n"
    "Upper Label,helpful\nMinimum Value,-100\nMaximum Value,100\nNumber of Steps,9\n"
    "Second,Rating\n%%%%%%,%%%%%%\n" + "".join(f"{t},{t % 50}\n" for t in range(1, 60))
)
CARMA_TABLE = "Second,Rating,Minimum Value,Maximum Value,Lower Label,Upper Label\n" + "".join(
    f"{t},{t % 50},0,100,hindering,helpful\n" for t in range(1, 40)
)
DARMA = (
    "Time of Rating,02-Mar-2026\nMultimedia File,film.mp4\nMagnitude,1000\nSecond,X,Y,B\n"
    "%%%,%%%,%%%,%%%\n" + "".join(f"{t},{t % 50},{-t},0\n" for t in range(1, 40))
)
GUESSES = "start,end,guess\n60,120,helpful\n0:05:00,0:06:00,hindering\n"
REASONS = 'start;end;reason\n60;120;"she said ""that"", and waited"\n5:00;6:00;a pause\n'
ATTENDANCE = (
    "dyad,number,date,status,recorded\nD07,5,2026-03-02,held,yes\n"
    "D07,6,2026-03-09,no_show,\nD07,,2026-03-16,ended_unplanned,\n"
)


def _sound() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(bytes(range(256)) * 60)
    return file.getvalue()


def _as_bytes(*texts: str) -> list[bytes]:
    return [text.encode() for text in texts]


SEEDS: dict[str, list[bytes]] = {
    "session": _as_bytes(SESSION, SESSION[:260]),
    "register": _as_bytes(REGISTER),
    "profile": _as_bytes(PROFILE),
    "vtt": _as_bytes(VTT, VTT[40:]),
    "srt": _as_bytes(SRT),
    "stm": _as_bytes(STM),
    "json": _as_bytes(
        json.dumps(WHISPERX), json.dumps(WHISPERX, indent=1), json.dumps(WHISPER_CPP)
    ),
    "dial": _as_bytes(PLAIN, CLOCK, EVENTS, CARMA, CARMA_TABLE, DARMA),
    "guesses": _as_bytes(GUESSES),
    "reasons": _as_bytes(REASONS),
    "attendance": _as_bytes(ATTENDANCE),
    "media": [_sound()],
}
NUMBERS = (
    b"9" * 5_000,
    b"9" * 900,
    b"1e308",
    b"-1e308",
    b"1e-400",
    b"0." + b"3" * 100_000,
    b"0x" + b"f" * 20_000,
    b"nan",
    b"inf",
    b"-0",
    b"99999999999999999999",
    b"2147483648",
    b"1_000",
    b"\xd9\xa3",  # an Arabic-Indic digit
    b"\xc2\xb2",  # a superscript, a digit to Python and no number
    b"99:99:99.999",
    b"0000-00-00",
    b"9999-12-31T23:59:59Z",
)
BREAKERS = (
    *NUMBERS,
    b"[" * 20_000,
    b"{" * 20_000,
    b'{"segments":' * 5_000,
    b"a." * 20_000 + b"a = 1\n",
    b"<" * 20_000,
    b"<v " * 5_000,
    b"{a/" * 5_000,
    b"((" * 10_000,
    b"&amp;" * 10_000,
    b'"' * 9_999,
    b";" * 30_000,
    b",\n" * 30_000,
    b"\n;\n",
    b"\x00",
    b"\x00" * 4_096,
    b"\r",
    b"\x85",
    b"\xe2\x80\xa8",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\\ud83d",
    b'"\\ud800"',
    b"\\u0000",
    b"WEBVTT\n\n",
    b" --> ",
    b"00:00:01.000 --> 00:00:00.500\n",
    b"[[session]]\n",
    b"[media]\n",
    b'file = "a\\u0000b"\n',
    b'file = "../../x"\n',
    b"=",
    b"%PDF",
    b"PK\x03\x04",
    b"A" * 200_000,
    b" " * 200_000,
    b"\t" * 50_000,
    b"\n" * 100_000,
)
