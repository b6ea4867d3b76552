"""The worker room: relay, fetch and tag workers, their way to TMDB, the embedded servers, the command line."""
