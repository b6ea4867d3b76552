"""What a token says is told from what people say: by its author."""

from catalog.people.tokens import TokenRecord
from review.api.problems import ProblemError


def author_of(token: TokenRecord) -> str:
    """The author of a token's decisions and labels.

    Raises:
        ProblemError: the token may not decide.
    """
    if not token.allows("decide"):
        raise ProblemError(
            403,
            f"The token {token.name!r} has not the scope 'decide', which labels need.",
            mend="Use a token with it, or leave out ?labels=true.",
        )
    return f"token:{token.name}"
