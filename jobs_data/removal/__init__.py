"""Removing finished jobs, their receipts, and restoring them."""
