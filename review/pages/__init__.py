"""The pages, each in a module of its own; `PAGES` are their routers."""

from review.pages import (
    account,
    bulk,
    dashboard,
    decide,
    edit,
    editors,
    enter,
    find,
    movie,
    posters,
    queue,
    review,
    sign_in,
    why,
)

PAGES = tuple(
    page.router
    for page in (
        sign_in,
        enter,
        account,
        editors,
        review,
        decide,
        why,
        queue,
        bulk,
        movie,
        edit,
        dashboard,
        find,
        posters,
    )
)
