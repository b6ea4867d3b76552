"""The tagging state machine: how a movie's ledger row moves from `pending` to `tagged`.

    pending ──relay──▶ queued ──fetch──▶ fetching ──▶ ready ──tag──▶ tagging ──▶ tagged
       ▲                 │                │    │        ▲               │           ▲
       └── lost message ─┴── died, failed ┘    │        └─ died, failed ┘           │
                                               └── same content, same champion ─────┘

After three deaths or five failures in `fetching` or `tagging` a movie is `quarantined`; `enqueue` brings it back.
A change of the movie's content sends the row back to `pending` at its next revision from anywhere (the triggers do
that). The movies of a bulk load are pending too, but come into line by and by (`arrivals`). Every step is one
transaction:

- a *claim* takes due rows with `FOR UPDATE SKIP LOCKED`, names the owner and a lease, and commits;
- a *finish* is fenced: it touches only rows that the worker still owns at the revision that it took;
- *recovery* gives back what a dead worker or a lost message left behind.

No transaction here waits for a ledger row's lock while it holds another. Catalog writers hold ledger rows until
they commit, in any order; a worker that waited for one of them while holding a second could deadlock with it.
The locks are `FOR NO KEY UPDATE`, so that a label or a content row that refers to the ledger waits for none.
"""
