"""The pages, each in a module of its own; `PAGES` are their routers."""

from review.pages.account import router as account_router
from review.pages.bulk import router as bulk_router
from review.pages.dashboard import router as dashboard_router
from review.pages.decide import router as decide_router
from review.pages.edit import router as edit_router
from review.pages.editors import router as editors_router
from review.pages.enter import router as enter_router
from review.pages.find import router as find_router
from review.pages.movie import router as movie_router
from review.pages.posters import router as posters_router
from review.pages.queue import router as queue_router
from review.pages.review import router as review_router
from review.pages.sign_in import router as sign_in_router
from review.pages.why import router as why_router

PAGES = (
    sign_in_router,
    enter_router,
    account_router,
    editors_router,
    review_router,
    decide_router,
    why_router,
    queue_router,
    bulk_router,
    movie_router,
    edit_router,
    dashboard_router,
    find_router,
    posters_router,
)
