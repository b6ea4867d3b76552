"""The revisions, in their order; long SQL stands beside them as files."""
