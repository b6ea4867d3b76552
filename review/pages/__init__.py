"""The pages, each in a module of its own; `PAGES` are their routers."""

from review.pages.account import router as account
from review.pages.bulk import router as bulk
from review.pages.dashboard import router as dashboard
from review.pages.decide import router as decide
from review.pages.edit import router as edit
from review.pages.editors import router as editors
from review.pages.enter import router as enter
from review.pages.find import router as find
from review.pages.movie import router as movie
from review.pages.posters import router as posters
from review.pages.queue import router as queue
from review.pages.review import router as review
from review.pages.sign_in import router as sign_in
from review.pages.why import router as why

PAGES = (
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
