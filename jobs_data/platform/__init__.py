"""The platform's database: its tables, how they are read and written, and what its values mean."""
