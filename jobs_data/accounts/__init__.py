"""The platform's accounts: which right each has, and signing in with them."""
