"""The app's own database: the receipts of what was deleted."""
