"""The errors of the review room; those of the catalog pass through it to the editor.

marquee.errors.MarqueeError
└── ReviewError
    ├── NotSignedInError        nobody is signed in, or no longer
    ├── WrongPasswordError      the name or the password is wrong
    ├── TooManyAttemptsError    too many failed attempts to sign in
    ├── LinkUsedError           a one-time link that was used, or is too old
    ├── ForbiddenError          the editor's role does not allow it
    ├── ForgedRequestError      a request that this application's pages did not send
    ├── PosterUnusableError     an upload that is no image
    ├── PosterNotFoundError     no poster has this hash
    ├── NotNewestError          an undo of what is not the newest action
    └── InvalidFormError        a field of a form cannot be used
"""

from marquee.errors import MarqueeError


class ReviewError(MarqueeError):
    """Something is wrong with what a browser asked for; `status` is the answer's."""

    status = 400


class NotSignedInError(ReviewError):
    """Nobody is signed in, or no longer."""

    status = 401

    def __init__(self) -> None:
        super().__init__("You are not signed in, or no longer.", mend="Sign in; nothing is lost.")


class WrongPasswordError(ReviewError):
    """The name or the password is wrong; which of them is not said."""

    status = 401

    def __init__(self) -> None:
        super().__init__("The name or the password is wrong.", mend="Try again, or ask an admin for a link.")


class TooManyAttemptsError(ReviewError):
    """Too many attempts to sign in have failed; the next may be made in `seconds`."""

    status = 429

    def __init__(self, seconds: float) -> None:
        self.seconds = max(1, round(seconds))
        minutes = max(1, round(seconds / 60))
        wait = f"{minutes} minutes" if minutes > 1 else "a minute"
        super().__init__("Too many attempts have failed.", mend=f"Try again in {wait}.")


class LinkUsedError(ReviewError):
    """A one-time link that was used already, or is too old."""

    status = 403

    def __init__(self) -> None:
        super().__init__(
            "This link was used already, or it is too old.",
            mend="Ask for a new one: `marquee editors link NAME`.",
        )


class ForbiddenError(ReviewError):
    """The editor's role does not allow it."""

    status = 403

    def __init__(self) -> None:
        super().__init__("Only an admin may do this.", mend="Ask one of them.")


class ForgedRequestError(ReviewError):
    """A request that no page of this application, in this session, has sent."""

    status = 403

    def __init__(self) -> None:
        super().__init__(
            "The request does not come from a page of your session.", mend="Load the page anew and try again."
        )


class PosterUnusableError(ReviewError):
    """An upload that is no image, or one that cannot be used."""

    status = 422

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"The poster cannot be used: {reason}", mend="Send a JPEG, PNG or WebP of at most 10 MB."
        )


class PosterNotFoundError(ReviewError):
    """No poster has this hash."""

    status = 404

    def __init__(self) -> None:
        super().__init__("There is no such poster.")


class NotNewestError(ReviewError):
    """An undo of what is not the editor's newest action that stands."""

    status = 409

    def __init__(self) -> None:
        super().__init__(
            "You did something else since, or this is undone already.",
            mend="Undo (U) on the review page takes your actions back one by one, the newest first.",
        )


class InvalidFormError(ReviewError):
    """A field of a form cannot be used; the message names it."""

    status = 422
