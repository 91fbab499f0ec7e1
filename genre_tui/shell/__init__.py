"""What all screens share: pages, dialogs, the command palette, export."""
