"""Citation key -> reference, for column declarations and the report's list of references.

A reference says who, when and where to find it; titles are left out, because several would bring
words onto the screen that `pipeline.page.wording` keeps off it. `doi` is empty where we know none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Source:
    """One reference."""

    key: str
    text: str
    """Authors, year and venue."""
    doi: str = ""
    url: str = ""

    @property
    def link(self) -> str:
        """Where to read it; empty where we know no address."""
        return f"https://doi.org/{self.doi}" if self.doi else self.url


_ALL = (
    Source(
        "almosaiwi2018",
        "Al-Mosaiwi & Johnstone (2018). Clinical Psychological Science",
        "10.1177/2167702617747074",
    ),
    Source(
        "bakdash2017",
        "Bakdash & Marusich (2017). Frontiers in Psychology 8:456",
        "10.3389/fpsyg.2017.00456",
    ),
    Source(
        "bazarevsky2019",
        "Bazarevsky et al. (2019). BlazeFace. arXiv:1907.05047",
        url="https://arxiv.org/abs/1907.05047",
    ),
    Source(
        "benjamini1995",
        "Benjamini & Hochberg (1995). Journal of the Royal Statistical Society B 57:289",
    ),
    Source("bentivoglio1997", "Bentivoglio et al. (1997). Mov Disord 12:1028"),
    Source("berger2023", "Berger & Rae (2023)", "10.59158/001c.90873"),
    Source(
        "boker2002",
        "Boker et al. (2002). Psychological Methods 7:338",
        "10.1037/1082-989X.7.3.338",
    ),
    Source(
        "bredin2023pyannote",
        "Bredin (2023). pyannote.audio 2.1. Interspeech 2023",
        "10.21437/Interspeech.2023-105",
    ),
    Source(
        "boersma1993", "Boersma (1993). Proceedings of the Institute of Phonetic Sciences 17:97"
    ),
    Source(
        "cohen2024", "Cohen et al. (2024). Psychiatry Research", "10.1016/j.psychres.2024.116104"
    ),
    Source(
        "danbock2021",
        "Danböck et al. (2021). European Journal of Psychotraumatology",
        "10.1080/20008198.2021.1991609",
    ),
    Source(
        "dejong2009",
        "de Jong & Wempe (2009). Behavior Research Methods 41:385",
        "10.3758/BRM.41.2.385",
    ),
    Source("delooze2010", "De Looze & Hirst. Two-pass limits for F0 estimation"),
    Source(
        "dersimonian1986",
        "DerSimonian & Laird (1986). Controlled Clinical Trials 7:177",
        "10.1016/0197-2456(86)90046-2",
    ),
    Source("drillis1966", "Drillis & Contini (1966). Body Segment Parameters. New York University"),
    Source("duncan2003srs", "Duncan et al. (2003). Session Rating Scale"),
    Source("eubanks2019", "Eubanks et al. (2019). Validation of the 3RS"),
    Source("fisher1935", "Fisher (1935). The Design of Experiments"),
    Source("frankel2006", "Frankel et al. (2006). Psychotherapy Research. Pausing Inventory"),
    Source(
        "girard2014carma",
        "Girard (2014). CARMA. Journal of Open Research Software",
        "10.5334/jors.ar",
    ),
    Source(
        "hale2020",
        "Hale et al. (2020). Journal of Nonverbal Behavior",
        "10.1007/s10919-019-00320-3",
    ),
    Source(
        "hartung2001",
        "Hartung & Knapp (2001). Statistics in Medicine 20:3875",
        "10.1002/sim.1009",
    ),
    Source(
        "heldner2010",
        "Heldner & Edlund (2010). Journal of Phonetics 38:555",
        "10.1016/j.wocn.2010.08.002",
    ),
    Source(
        "higgins2009",
        "Higgins, Thompson & Spiegelhalter (2009). J. of the Royal Statistical Society A 172:137",
    ),
    Source("iglewicz1993", "Iglewicz & Hoaglin (1993). How to Detect and Handle Outliers"),
    Source(
        "kartynnik2019",
        "Kartynnik et al. (2019). Facial surface geometry. arXiv:1907.06724",
        url="https://arxiv.org/abs/1907.06724",
    ),
    Source("lin1989", "Lin (1989). Biometrics 45:255", "10.2307/2532051"),
    Source(
        "kuglin1975",
        "Kuglin & Hines (1975). IEEE Conference on Cybernetics and Society, 163",
    ),
    Source(
        "mariooryad2015",
        "Mariooryad & Busso (2015). IEEE Transactions on Affective Computing 6:97",
    ),
    Source("mauch2014pyin", "Mauch & Dixon (2014). pYIN. ICASSP 2014"),
    Source(
        "miller2003ors",
        "Miller et al. (2003). Outcome Rating Scale. Journal of Brief Therapy 2:91",
    ),
    Source("newcombe1998", "Newcombe (1998). Statistics in Medicine 17:873"),
    Source("neweywest1987", "Newey & West (1987). Econometrica 55:703", "10.2307/1913610"),
    Source(
        "pyper1998",
        "Pyper & Peterman (1998). Canadian Journal of Fisheries and Aquatic Sciences 55:2127",
        "10.1139/f98-104",
    ),
    Source(
        "ramseyer2011",
        "Ramseyer & Tschacher (2011). Journal of Consulting and Clinical Psychology 79:284",
        "10.1037/a0023419",
    ),
    Source("smilek2010", "Smilek et al. (2010). Psychological Science", "10.1177/0956797610368063"),
    Source("soma2023", "Soma et al. (2023)", "10.1002/capr.12537"),
    Source("soukupova2016", "Soukupová & Čech (2016). Computer Vision Winter Workshop"),
    Source("stivers2009", "Stivers et al. (2009). PNAS", "10.1073/pnas.0903616106"),
    Source(
        "swift2012",
        "Swift & Greenberg (2012). Journal of Consulting and Clinical Psychology 80:547",
        "10.1037/a0028226",
    ),
    Source("swift2016", "Swift & Tompkins (2016). Psychotherapy Bulletin 51(2):11"),
    Source(
        "swift2017",
        "Swift, Tompkins & Parkin (2017). Journal of Clinical Psychology",
        "10.1002/jclp.22531",
    ),
    Source("vonneumann1941", "von Neumann et al. (1941). Annals of Mathematical Statistics 12:153"),
    Source("west2011", "West & Kenny (2011). Psychological Review 118:357", "10.1037/a0022936"),
    Source("wierwille1994", "Wierwille et al. (1994). NHTSA report DOT HS 808 247"),
    Source(
        "wilson1927",
        "Wilson (1927). Journal of the American Statistical Association 22:209",
        "10.1080/01621459.1927.10502953",
    ),
    Source(
        "tschacher2020",
        "Tschacher & Meier (2020). Psychotherapy Research 30:558",
        "10.1080/10503307.2019.1612114",
    ),
    Source(
        "wu2022annomi", "Wu et al. (2022). AnnoMI. ICASSP 2022", "10.1109/ICASSP43922.2022.9746035"
    ),
    Source("zhang2017", "Zhang et al. (2017). UIST 2017", "10.1145/3126594.3126614"),
)

SOURCES: dict[str, Source] = {source.key: source for source in _ALL}
"""Every reference by its key."""


def references(keys: Iterable[str]) -> list[Source]:
    """The sources among `keys`, each once, in order of their text.

    Keys that name a stage (a column the stage itself computes) are no citations and are left out.
    """
    return sorted((SOURCES[key] for key in set(keys) if key in SOURCES), key=lambda s: s.text)
