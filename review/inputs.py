"""The kinds of values that requests bring, with their bounds."""

from typing import Annotated

from fastapi import Form, Path

BIGINT, SMALLINT = 2**63, 2**15

MovieId = Annotated[int, Path(ge=-BIGINT, lt=BIGINT)]
BulkId = Annotated[int, Path(ge=1, lt=BIGINT)]
MovieIds = Annotated[tuple[Annotated[int, Form(ge=-BIGINT, lt=BIGINT)], ...], Form(max_length=100)]
Genre = Annotated[int, Form(ge=0, lt=SMALLINT)]
Genres = Annotated[tuple[Annotated[int, Form(ge=0, lt=SMALLINT)], ...], Form(max_length=1000)]
Seen = Annotated[str, Form(max_length=500)]
Seconds = Annotated[float | None, Form(ge=0, le=7 * 86400, allow_inf_nan=False)]
Line = Annotated[str, Form(max_length=2000)]
Query = Annotated[str, Form(max_length=2000)]
