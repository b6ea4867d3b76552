"""Child processes of Marquee: guarded, so none outlives it; supervised, so one that dies comes back."""

from worker.supervisor.child import Backoff, ChildStatus, Command
from worker.supervisor.supervisor import Supervisor

__all__ = ["Backoff", "ChildStatus", "Command", "Supervisor"]
