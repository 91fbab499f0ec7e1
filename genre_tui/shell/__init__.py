"""Base classes of the application, its pages and dialogs, and the dialogs that pages share."""
