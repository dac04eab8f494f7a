"""The app seen from outside: whether it can work, figures for monitoring, and checks of a setup."""
