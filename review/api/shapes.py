"""What the API takes and gives, as its OpenAPI document shows it."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from catalog.decisions import Verdict
from catalog.review.card import Card
from catalog.review.queue import QueueRow
from catalog.stored import storable
from catalog.story import Event as StoryEvent
from catalog.webhooks.hooks import MAX_URL, Event

MAX_ID = 2**63 - 1


def _storable(value: str) -> str:
    if storable(value) != value:
        raise ValueError("should hold no NUL and no lone surrogate")
    return value


Words = Annotated[str, AfterValidator(_storable)]
MovieId = Annotated[int, Field(ge=1, le=MAX_ID, description="The movie's id in the catalog.", examples=[17])]
WebhookId = Annotated[int, Field(ge=1, le=2**31 - 1, description="The webhook's id.", examples=[1])]
GenreName = Annotated[Words, Field(min_length=1, max_length=200, examples=["Drama"])]


class Shape(BaseModel):
    """Reads attributes of the catalog's records; refuses members that it does not know."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)


class Genre(Shape):
    """A genre that the catalog has."""

    id: int
    name: str = Field(examples=["Drama"])


class Standing(Shape):
    """How a movie stands to a genre."""

    genre: str = Field(examples=["Drama"])
    holds: bool = Field(description="Whether the movie has the genre: an editor's word, else the model's.")
    confidence: float | None = Field(
        description="The model's calibrated probability; null where no model has spoken.", examples=[0.93]
    )
    decision: Literal["accepted", "rejected", "review"] | None = Field(
        description="What follows from the confidence by the genre's band."
    )
    label: bool | None = Field(description="What an editor or a trusted import said; null where nobody has.")
    labelled_by: str | None = Field(description="Who said it.", examples=["ada"])
    asks: bool = Field(description="Whether the genre waits for an editor.")


class TimelineEvent(Shape):
    """Something that happened to a movie."""

    at: datetime
    revision: int = Field(description="The revision of the movie's content that it happened to.")
    event: str = Field(examples=["tagged"])
    detail: dict[str, Any] = Field(examples=[{"model": "m-1", "genres": {"Drama": 0.93}}])


class Movie(Shape):
    """A movie with all that is known of it."""

    id: int = Field(examples=[17])
    external_id: str | None = Field(examples=["movie-42"])
    tmdb_id: int | None
    imdb_id: str | None
    title: str | None = Field(examples=["The Lighthouse Keeper"])
    year: int | None
    language: str | None
    plot: str | None
    plot_source: str | None = Field(description="Where the plot came from: `movie` or `tmdb`.")
    poster_url: str | None
    poster_hash: str | None = Field(description="The SHA-256 of the poster in the poster store.")
    poster_source: str | None = Field(description="Where the poster came from: `movie` or `tmdb`.")
    fetched_at: datetime | None
    note: str | None = Field(description="Why something of the content is missing.")
    state: str = Field(
        description="Where it stands on its way: pending, queued, fetching, ready, tagging, tagged, quarantined.",
        examples=["tagged"],
    )
    review: Literal["open", "done", "auto"] | None = Field(
        description="`open`: genres wait for an editor; `done`: an editor has decided; `auto`: the model alone has; "
        "null before the first tagging."
    )
    revision: int = Field(description="It counts the changes of the movie's content.")
    model: str | None = Field(description="The version of the model that tagged it.", examples=["m-1"])
    disputed: bool = Field(description="Whether the model now contradicts an editor.")
    seen: str = Field(
        description="Give it back with a decision, so that what changed meanwhile is noticed.",
        examples=["1.1.0"],
    )
    genres: list[Standing]
    timeline: list[TimelineEvent] = Field(description="All that happened to it, the oldest first.")


def movie_of(card: Card, timeline: list[StoryEvent]) -> Movie:
    """A card and a timeline as the API gives them."""
    genres = [
        Standing(
            genre=g.name,
            holds=g.holds,
            confidence=g.confidence,
            decision=None if g.confidence is None else g.decision,
            label=g.label,
            labelled_by=g.labelled_by,
            asks=g.asks,
        )
        for g in card.genres
    ]
    own = {name: getattr(card, name) for name in Movie.model_fields if hasattr(card, name)}
    return Movie(
        **own
        | {"id": card.movie_id, "state": card.ledger_state, "review": card.state, "genres": genres}
        | {"timeline": [TimelineEvent.model_validate(e) for e in timeline]}
    )


class Upserted(Shape):
    """The movie that was written."""

    id: int = Field(description="The movie's id in the catalog.", examples=[17])
    labels: int = Field(description="How many labels were written.")


class LineId(Shape):
    """A line that was written."""

    line: int
    id: int = Field(description="The movie's id.")


class LineError(Shape):
    """A line that was refused."""

    line: int
    error: str = Field(examples=["year: Input should be greater than or equal to 1870."])


class BulkReport(Shape):
    """What became of the lines; empty lines count for nothing."""

    lines: int = Field(description="How many lines held something.")
    accepted: int
    refused: int
    labels: int = Field(description="How many labels were written.")
    movies: list[LineId] = Field(description="The movies written, by line.")
    errors: list[LineError] = Field(description="The lines refused, by line.")


class Enqueue(Shape):
    """Movies to be tagged again."""

    ids: list[MovieId] = Field(min_length=1, max_length=10_000)
    priority: Literal["interactive", "bulk", "retag"] = Field(
        "interactive", description="Who waits for them; interactive goes first."
    )
    refetch: bool = Field(False, description="Whether plot and poster are fetched anew.")


class Enqueued(Shape):
    """What came of it."""

    enqueued: list[int] = Field(description="The movies that will be tagged, or are under way already.")
    unknown: list[int] = Field(description="Ids that the catalog does not have.")


class QueuedGenre(Shape):
    """A genre that a movie has, or that waits for an editor."""

    genre: str = Field(examples=["Drama"])
    confidence: float | None
    asks: bool


class QueuedMovie(Shape):
    """A tagged movie, in short."""

    id: int
    title: str | None
    year: int | None
    language: str | None
    poster_hash: str | None
    review: Literal["open", "done", "auto"]
    uncertainty: float = Field(description="1 a coin toss, 0 certain.")
    tagged_at: datetime
    disagreed_at: datetime | None
    genres: list[QueuedGenre]


class Page(Shape):
    """Some movies, and where the next page begins."""

    movies: list[QueuedMovie]
    next: str | None = Field(description="Give it as `cursor` for the next page; null after the last.")


def queued_movie_of(row: QueueRow) -> QueuedMovie:
    """A row of the queue as the API gives it."""
    own = {name: getattr(row, name) for name in QueuedMovie.model_fields if hasattr(row, name)}
    genres = [QueuedGenre(genre=n, confidence=c, asks=mark == "you") for n, c, mark in row.genres]
    return QueuedMovie(**own | {"id": row.movie_id, "review": row.state, "genres": genres})


class OneDecision(Shape):
    """A verdict on a genre."""

    genre: GenreName
    verdict: Verdict = Field(
        description="`withdrawn` takes back what was said: the model's word stands again."
    )


class Decide(Shape):
    """Verdicts on genres of a movie: all are written, or none."""

    decisions: list[OneDecision] = Field(min_length=1, max_length=100)
    seen: Words | None = Field(
        None,
        max_length=80,
        description="The movie's `seen` when it was looked at. What changed since is a conflict (409), whose "
        "problem names the `difference` and the new `seen`. Without it, nothing is compared.",
        examples=["1.1.0"],
    )


class Model(Shape):
    """A registered model."""

    version: str = Field(examples=["m-1"])
    champion: bool = Field(description="Whether it is the one that tags.")
    sha256: str = Field(description="The hash of its weights.")
    data_sha256: str = Field(description="The hash of the data that it learned from.")
    genres: list[str]
    registered_at: datetime
    promoted_at: datetime | None = Field(description="When it last became champion.")


class AddWebhook(Shape):
    """A webhook to be made."""

    url: Words = Field(
        min_length=1,
        max_length=MAX_URL,
        pattern="^https?://",
        description="https:// to a host of the public internet; any other only to hosts that the operator named "
        "in MARQUEE_WEBHOOK_HOSTS.",
        examples=["https://pipeline.example/marquee"],
    )
    events: list[Event] = Field(min_length=1, max_length=10)


class Webhook(Shape):
    """A webhook."""

    id: int
    url: str
    events: list[Event]
    created_at: datetime
    disabled_at: datetime | None = Field(description="When it was disabled; it answered 410.")
    pending: int = Field(description="Deliveries still to be sent.")


class NewWebhook(Webhook):
    """A webhook with its secret, which is not shown again."""

    secret: str = Field(description="Verifies Marquee-Signature.", examples=["whsec_…"])


class Delivery(Shape):
    """What became of a delivery."""

    id: int = Field(description="It comes with the delivery as Marquee-Delivery.")
    event: str = Field(examples=["tagged"])
    movie_id: int | None = Field(description="Null in a test.")
    created_at: datetime
    attempts: int
    status: int | None = Field(description="What the webhook answered last.")
    error: str | None = Field(description="Why the last attempt failed.")
    delivered_at: datetime | None
    given_up_at: datetime | None
    due_at: datetime | None = Field(description="When it is tried next; null once it is settled.")


class Deliveries(Shape):
    """Deliveries, the newest first."""

    deliveries: list[Delivery]
    next: int | None = Field(description="Give it as `before` for the next page; null after the last.")


class Tested(Shape):
    """The delivery that was written for the test."""

    delivery: int


class NewsMovie(Shape):
    """The movie that a webhook is told of."""

    id: int = Field(examples=[17])
    external_id: str | None = Field(examples=["movie-42"])
    tmdb_id: int | None
    imdb_id: str | None
    title: str | None = Field(examples=["The Lighthouse Keeper"])


class NewsGenre(Shape):
    """How the movie stands to a genre."""

    genre: str = Field(examples=["Drama"])
    confidence: float | None
    decision: Literal["accepted", "rejected", "review"] | None
    label: bool | None = Field(description="What an editor or a trusted import said; null where nobody has.")
    holds: bool = Field(description="Whether the movie has the genre.")


class News(Shape):
    """What a webhook is told."""

    event: Event
    delivery: int = Field(description="The same in each repetition; it is the header Marquee-Delivery, too.")
    at: datetime
    movie: NewsMovie
    revision: int = Field(description="The revision of the movie's content that was tagged.")
    model: str | None = Field(examples=["m-1"])
    genres: list[NewsGenre]


class Status(Shape):
    """The system now."""

    states: dict[str, int] = Field(description="Movies by state.", examples=[{"pending": 3, "tagged": 1000}])
    tagged_per_second_minute: float = Field(description="Over the last minute.")
    tagged_per_second_hour: float = Field(description="Over the last hour.")
    oldest_waiting: float | None = Field(
        description="Seconds since the change of the movie that waits longest."
    )
    oldest_movie: int | None
    workers: list[dict[str, Any]]
    champion: str | None = Field(description="The version of the model that tags.")
    closed_gates: dict[str, str] = Field(description="What is not tried now, and why.")
