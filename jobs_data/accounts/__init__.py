"""The platform's accounts: who may come in, with which right, and signing in."""
