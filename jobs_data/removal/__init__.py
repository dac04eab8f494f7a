"""Deletes finished jobs with receipts, and restores them."""
