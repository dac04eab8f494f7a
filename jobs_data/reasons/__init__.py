"""Finds why something failed in outputs, texts, traces and answers, and reads what outputs say."""
