"""The list of jobs and one job: which jobs a view means, in which order, and what is shown of them."""
