"""The `thinslice` command. One verb, one sentence; what a verb does lives in its own module."""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from flows.child import Stopped, stoppable
from flows.terminal import keep_ours
from models.errors import EngineError
from pipeline.config import CONFIGS, load_profile
from pipeline.errors import InputError, ThinsliceError
from pipeline.results.views import Output

app = typer.Typer(
    help="Consented therapy recordings in; aligned features and a few moments worth a look out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
consent_app = typer.Typer(help="Who agreed to what; default deny.", no_args_is_help=True)
models_app = typer.Typer(
    help="Weights: what is here, fetch them, check them.", no_args_is_help=True
)
config_app = typer.Typer(help="Profiles in configs/.", no_args_is_help=True)
app.add_typer(consent_app, name="consent")
app.add_typer(models_app, name="models")
app.add_typer(config_app, name="config")

ProfileFile = Annotated[
    Path | None, typer.Option("--profile", help="Overrides configs/default.toml")
]
ConsentFile = Annotated[
    Path | None, typer.Option("--consent", help="Register; else beside the sessions")
]
OutFolder = Annotated[Path, typer.Option("--out", help="Where results lie")]
AsJson = Annotated[bool, typer.Option("--json", help="Summary as JSON on standard output")]


def main() -> None:
    """Entry point: errors in one sentence on standard error; 2 = wrong input, nothing started."""
    keep_ours()
    try:
        with stoppable():
            app()
    except InputError as error:
        _fail(str(error), 2)
    except (ThinsliceError, EngineError) as error:
        _fail(str(error), 1)


@app.command()
def run(
    sessions: Annotated[list[Path], typer.Argument(help="Session folders")],
    profile: ProfileFile = None,
    consent: ConsentFile = None,
    out: OutFolder = Path("out"),
    as_json: AsJson = False,
) -> None:
    """Process one or some sessions."""
    folders = [_session_folder(path) for path in sessions]
    register = consent or _register_beside(folders)
    _work(folders, register, profile, out, as_json=as_json, asked_for_sessions=True)


@app.command()
def nightly(
    recordings: Annotated[Path, typer.Argument(help="Folder of session folders")],
    profile: ProfileFile = None,
    consent: ConsentFile = None,
    out: OutFolder = Path("out"),
    as_json: AsJson = False,
) -> None:
    """Process everything new or changed below a folder, then sum up the night."""
    from flows.folders import session_folders

    folders = session_folders(recordings)
    register = consent or recordings / "consent.toml"
    _work(folders, register, profile, out, as_json=as_json, asked_for_sessions=False)


@app.command()
def serve(
    recordings: Annotated[Path, typer.Argument(help="Folder of session folders")],
    cron: Annotated[str, typer.Option(help="When, in cron's five fields")] = "0 2 * * *",
    profile: ProfileFile = None,
    consent: ConsentFile = None,
    out: OutFolder = Path("out"),
) -> None:
    """Stay and run the night on schedule."""
    from flows.deploy import serve_nightly

    load_profile(profile)
    serve_nightly(recordings, out=out, profile=profile, consent=consent, cron=cron)


@app.command()
def demo(
    out: OutFolder = Path("demo"),
    seed: Annotated[int, typer.Option(help="Another seed, another session")] = 1,
    face: Annotated[Path | None, typer.Option(help="A portrait to animate instead")] = None,
    minutes: Annotated[float, typer.Option(help="Length of the made session", min=12)] = 20.0,
    transcript: Annotated[
        bool, typer.Option("--transcript", help="Hand the planted words in; else they are heard")
    ] = False,
) -> None:
    """Process a made session whose truth is planted, and compare."""
    from flows.demo import run_demo

    code = run_demo(
        out=out, seed=seed, face=face, minutes=minutes, transcript=transcript, console=Console()
    )
    raise typer.Exit(code)


@app.command()
def report(
    out: Annotated[Path, typer.Argument(help="Results folder")] = Path("out"),
) -> None:
    """List every session's newest report."""
    output = Output(out)
    sessions = output.sessions()
    if not sessions:
        raise InputError(
            f"no finished session in {out}; run `thinslice run` or `thinslice demo` first"
        )
    for session_id in sessions:
        path = output.latest(session_id) / "report.html"
        typer.echo(f"{session_id}  {path if path.exists() else 'no report (see its summary)'}")


@app.command()
def study(
    out: Annotated[Path, typer.Argument(help="Results folder")] = Path("out"),
    consent: Annotated[
        Path, typer.Option("--consent", help="Register; `research` of both people is needed")
    ] = Path("consent.toml"),
    attendance: Annotated[
        Path | None, typer.Option("--attendance", help="Else attendance.csv beside the register")
    ] = None,
    profile: ProfileFile = None,
    as_json: AsJson = False,
) -> None:
    """Study all dyads: variability, behaviour and congruence, to OUT/study."""
    from flows.progress import Board
    from flows.study import as_lines, run_study

    settings = load_profile(profile).study
    found = run_study(out, consent=consent, attendance=attendance, settings=settings, board=Board())
    typer.echo(json.dumps(found, indent=1, ensure_ascii=False) if as_json else as_lines(found))


@app.command()
def export(
    out: Annotated[Path, typer.Argument(help="Results folder")],
    session: Annotated[str, typer.Argument(help="Session id")],
    kind: Annotated[str, typer.Option("--format", help="Whose, e.g. rttm")] = "rttm",
) -> None:
    """Write a session in another tool's format to standard output."""
    from flows.exports import export as export_session

    typer.echo(export_session(out, session, kind), nl=False)


@app.command()
def columns(
    markdown: Annotated[
        bool, typer.Option("--markdown", help="As docs/DATA_DICTIONARY.md")
    ] = False,
) -> None:
    """Every table and column with unit and meaning."""
    from flows.dictionary import as_markdown, as_text

    typer.echo(as_markdown() if markdown else as_text(), nl=False)


@consent_app.command("grant")
def consent_grant(
    person: Annotated[str, typer.Argument(help="Pseudonym")],
    role: Annotated[str, typer.Option(help="client or therapist")],
    register: Annotated[Path, typer.Option("--consent", help="Register")] = Path("consent.toml"),
    scope: Annotated[
        list[str] | None, typer.Option(help="Repeatable; else what a run needs")
    ] = None,
    session: Annotated[list[str] | None, typer.Option(help="Repeatable; else all sessions")] = None,
    expires: Annotated[dt.datetime | None, typer.Option(formats=["%Y-%m-%d"])] = None,
    rationale: Annotated[str, typer.Option(help="Version of the text they read")] = "",
    new: Annotated[bool, typer.Option("--new", help="An id that looks like a known one")] = False,
) -> None:
    """Record that a person agreed."""
    from flows import consent_desk

    for line in consent_desk.grant(
        register, person, role, scope, session, expires, rationale, new=new
    ):
        typer.echo(line)


@consent_app.command("decline")
def consent_decline(
    person: Annotated[str, typer.Argument(help="Pseudonym")],
    role: Annotated[str | None, typer.Option(help="client or therapist, if not yet known")] = None,
    register: Annotated[Path, typer.Option("--consent", help="Register")] = Path("consent.toml"),
    scope: Annotated[list[str] | None, typer.Option(help="Repeatable; else every scope")] = None,
    session: Annotated[list[str] | None, typer.Option(help="Repeatable; else all sessions")] = None,
) -> None:
    """Record that a person did not agree."""
    from flows import consent_desk

    for line in consent_desk.decline(register, person, role, scope, session):
        typer.echo(line)


@consent_app.command("withdraw")
def consent_withdraw(
    person: Annotated[str, typer.Argument(help="Pseudonym")],
    register: Annotated[Path, typer.Option("--consent", help="Register")] = Path("consent.toml"),
    out: OutFolder = Path("out"),
    session: Annotated[list[str] | None, typer.Option(help="Repeatable; else all sessions")] = None,
) -> None:
    """Record a withdrawal and remove everything derived from that person's sessions."""
    from flows import consent_desk

    for line in consent_desk.withdraw_person(register, out, person, session):
        typer.echo(line)


@consent_app.command("list")
def consent_list(
    register: Annotated[Path, typer.Option("--consent", help="Register")] = Path("consent.toml"),
) -> None:
    """Every record of the register."""
    from flows import consent_desk

    for line in consent_desk.listing(register):
        typer.echo(line)


@models_app.command("list")
def models_list() -> None:
    """Every weight: its job, its licence and whether it is here."""
    from flows import weights_desk

    weights_desk.show(Console())


@models_app.command("fetch")
def models_fetch(
    names: Annotated[
        list[str] | None, typer.Argument(help="Weights; else the embedded ones")
    ] = None,
) -> None:
    """Download weights now, so that no run ever has to."""
    from flows import weights_desk

    raise typer.Exit(weights_desk.fetch_all(names or [], Console(stderr=True)))


@models_app.command("verify")
def models_verify() -> None:
    """Hash every weight that is here."""
    from flows import weights_desk

    raise typer.Exit(weights_desk.verify_all(Console()))


@config_app.command("check")
def config_check(
    file: Annotated[Path | None, typer.Argument(help="A profile, or a session.toml")] = None,
) -> None:
    """Check a profile (or a session folder's session.toml) without running anything."""
    from flows.check import check

    typer.echo(check(file or CONFIGS / "default.toml"))


def _work(
    folders: list[Path],
    consent: Path,
    profile: Path | None,
    out: Path,
    *,
    as_json: bool,
    asked_for_sessions: bool,
) -> NoReturn:
    from flows.progress import Board
    from flows.summary import as_data, exit_code, show
    from flows.work import work_through

    try:
        work = work_through(
            folders, consent=consent, profile=load_profile(profile), out=out, board=Board()
        )
    except Stopped:
        _fail("stopped while the sessions were looked at; nothing was started", 1)
    if as_json:
        typer.echo(json.dumps(as_data(work), indent=1, ensure_ascii=False))
    else:
        show(work, Console())
    code = exit_code(work, asked_for_sessions=asked_for_sessions)
    raise typer.Exit(1 if work.unwritten else code)


def _session_folder(path: Path) -> Path:
    if not path.is_dir():
        raise InputError(f"no folder {path}; give a session folder that holds a session.toml")
    return path


def _register_beside(folders: list[Path]) -> Path:
    """`consent.toml` in the folder that holds all of the session folders."""
    parents = sorted({folder.resolve().parent for folder in folders})
    if len(parents) > 1:
        raise InputError(
            f"the sessions lie in {len(parents)} folders ({', '.join(map(str, parents))}), each of "
            "which may hold a register; name the register with --consent, or run them apart"
        )
    return parents[0] / "consent.toml"


def _fail(message: Any, code: int) -> NoReturn:
    sys.stderr.write(f"thinslice: {message}\n")
    sys.exit(code)


if __name__ == "__main__":
    main()
