"""The queues of Heratio and of Laravel."""
