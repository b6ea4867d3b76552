import logging

import pytest
import requests

from worker.errors import InvalidTokenError
from worker.tmdb.token import TmdbToken, scrub, scrub_logs

V3 = "0123456789abcdef0123456789ABCDEF"
V4 = "eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiIwMTIzIn0.c2lnbmF0dXJl-_"


def sent(token: str) -> requests.PreparedRequest:
    request = requests.Request("GET", "https://api.example/3/movie/1", params={"language": "de"})
    request.auth = TmdbToken(token)
    return request.prepare()


def test_a_v3_key_goes_into_the_query() -> None:
    request = sent(V3)
    assert request.url == f"https://api.example/3/movie/1?language=de&api_key={V3}"
    assert "Authorization" not in request.headers


def test_a_v4_token_goes_into_the_header() -> None:
    request = sent(f" {V4}\n")
    assert request.url == "https://api.example/3/movie/1?language=de"
    assert request.headers["Authorization"] == f"Bearer {V4}"


@pytest.mark.parametrize("token", ["", "hunter2", V3[:-1], V3 + "0", "a.b", "g" * 32])
def test_another_form_is_refused_without_being_repeated(token: str) -> None:
    with pytest.raises(InvalidTokenError, match="MARQUEE_TMDB_TOKEN") as caught:
        TmdbToken(token)
    assert not token or token not in str(caught.value)


def test_its_repr_hides_it() -> None:
    assert repr(TmdbToken(V3)) == "TmdbToken(v3, ***)"
    assert str(TmdbToken(V4)) == "TmdbToken(v4, ***)"


@pytest.mark.parametrize(
    "text",
    [
        f"GET /3/movie/1?api_key={V3}&language=en HTTP/1.1",
        f"HTTPConnectionPool(host='x', port=80): Max retries exceeded with url: /3?api_key={V3} (Caused by",
        f"{{'Authorization': 'Bearer {V4}'}}",
        f"authorization: bearer {V4}",
    ],
)
def test_scrubbing_leaves_no_token(text: str) -> None:
    assert V3 not in scrub(text)
    assert V4 not in scrub(text)
    assert "***" in scrub(text)


def test_a_token_is_scrubbed_wherever_it_stands() -> None:
    assert TmdbToken(V3).scrub(f"you sent {V3}, sorry") == "you sent ***, sorry"


def test_urllib3s_log_hides_it(caplog: pytest.LogCaptureFixture) -> None:
    scrub_logs()
    scrub_logs()
    logger = logging.getLogger("urllib3.connectionpool")
    assert len(logger.filters) == 1
    with caplog.at_level(logging.DEBUG, logger.name):
        logger.debug('%s://%s:%s "%s %s" %s', "https", "x", 443, "GET", f"/3/movie/1?api_key={V3}", 200)
    assert "api_key=***" in caplog.text
    assert V3 not in caplog.text
