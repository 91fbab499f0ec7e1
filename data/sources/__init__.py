"""Where datasets come from: recordings, arrays, a download, the demo music."""
