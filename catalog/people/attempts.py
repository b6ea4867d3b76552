"""The limit on attempts to sign in, by name and by address, whether there is an editor of that name or not."""

from sqlalchemy import Connection, text

from catalog.stored import storable

# Two at once must not both see the last attempt that is free.
LOCK = text("""
SELECT pg_advisory_xact_lock(:names, hashtext(:name)), pg_advisory_xact_lock(:addresses, hashtext(:address))
""")
NOTE = text("INSERT INTO marquee.sign_in_failure (name, address) VALUES (:name, :address)")
PRUNE = text("""
DELETE FROM marquee.sign_in_failure WHERE id IN (
    SELECT id FROM (SELECT id, at FROM marquee.sign_in_failure ORDER BY id LIMIT 100) oldest
    WHERE at < clock_timestamp() - make_interval(secs => :window))
""")
BLOCKED = text("""
SELECT max(extract(epoch FROM last - clock_timestamp())
           + least(:window, :first * power(2, least(failures - free, 20))))::float
FROM (SELECT count(*) AS failures, max(at) AS last, :name_free AS free FROM marquee.sign_in_failure
      WHERE name = :name AND at > clock_timestamp() - make_interval(secs => :window)
      UNION ALL
      SELECT count(*), max(at), :address_free FROM marquee.sign_in_failure
      WHERE address = :address AND at > clock_timestamp() - make_interval(secs => :window)) counted
WHERE failures >= free
""")
FORGET = text("DELETE FROM marquee.sign_in_failure WHERE name = :name")

NAME_LOCKS, ADDRESS_LOCKS = 0x4D53, 0x4D54  # always in this order
WINDOW_SECONDS = 900.0
FIRST_SECONDS = 30.0
NAME_FREE, ADDRESS_FREE = 5, 20
MAX_NAME, MAX_ADDRESS = 80, 64


def blocked(connection: Connection, name: str, address: str) -> float:
    """How many seconds no attempt is allowed; 0: it is allowed.

    After five failures of a name, or twenty of an address, within 15 minutes: 30 seconds, and twice as long
    with each further failure, up to 15 minutes.
    """
    asked = _who(name, address) | {
        "window": WINDOW_SECONDS,
        "first": FIRST_SECONDS,
        "name_free": NAME_FREE,
        "address_free": ADDRESS_FREE,
    }
    return max(0.0, connection.execute(BLOCKED, asked).scalar_one() or 0.0)


def note_failure(connection: Connection, name: str, address: str) -> None:
    """Count a failed attempt, and forget some that no longer count."""
    connection.execute(NOTE, _who(name, address))
    connection.execute(PRUNE, {"window": WINDOW_SECONDS})


def admit(connection: Connection, name: str, address: str) -> float:
    """Count an attempt as failed before its password is looked at, unless it is blocked; the seconds if so.

    Many attempts at the same moment are so counted one after the other. Commit before the password is
    checked; if it is right, `forget`.
    """
    connection.execute(LOCK, _who(name, address) | {"names": NAME_LOCKS, "addresses": ADDRESS_LOCKS})
    seconds = blocked(connection, name, address)
    if not seconds:
        note_failure(connection, name, address)
    return seconds


def forget(connection: Connection, name: str) -> None:
    """The editor has signed in: his failed attempts count no more."""
    connection.execute(FORGET, {"name": _who(name, "")["name"]})


def _who(name: str, address: str) -> dict[str, str | int | float]:
    name = " ".join(storable(name).split()).lower()
    return {"name": name[:MAX_NAME], "address": storable(address)[:MAX_ADDRESS]}
