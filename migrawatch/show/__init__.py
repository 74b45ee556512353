"""What the board shows: metrics, API, page."""
