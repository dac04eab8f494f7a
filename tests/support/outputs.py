"""Outputs as the job classes of both platforms write them, one file each in `tests/data/outputs`."""

from pathlib import Path

OUTPUTS = Path(__file__).parent.parent / "data" / "outputs"


def read_outputs() -> dict[str, str]:
    """Return the outputs by their names."""
    return {path.stem: path.read_bytes().decode() for path in sorted(OUTPUTS.glob("*.txt"))}
