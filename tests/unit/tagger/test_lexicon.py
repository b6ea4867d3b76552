import json

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from tagger.lexicon import WORD, Lexicon

TEXTS = [
    "The ghost hides in the old house, and the ghost laughs.",
    "Soldiers in the old war; war, war and tears.",
    "The king laughs in the house of the king.",
    "Über ghosts: déjà vu in an old house",
]


def test_it_is_scikit_learns() -> None:
    ours = Lexicon.fit(TEXTS, size=1000, min_documents=2)
    theirs = TfidfVectorizer(token_pattern=WORD.pattern, ngram_range=(1, 2), min_df=2, sublinear_tf=True).fit(
        TEXTS
    )
    assert sorted(ours.index) == sorted(theirs.vocabulary_)
    for text in TEXTS:
        row = theirs.transform([text]).toarray()[0]
        dense = np.zeros(len(ours))
        places, weights = ours.weigh(text)
        dense[places] = weights
        for term, place in ours.index.items():
            assert dense[place] == pytest.approx(row[theirs.vocabulary_[term]], abs=1e-4)


def test_json_brings_it_back() -> None:
    lexicon = Lexicon.fit(TEXTS, size=5, min_documents=1)
    assert len(lexicon) == 5
    assert Lexicon.from_json(json.loads(json.dumps(lexicon.to_json()))) == lexicon


def test_lists_that_do_not_match_are_refused() -> None:
    with pytest.raises(ValueError, match="match"):
        Lexicon.from_json({"terms": ["a"], "idf": []})


def test_unknown_words_weigh_nothing() -> None:
    assert Lexicon.fit(TEXTS, size=5).weigh("qwertz") == ([], [])
