"""What people call a job whose stored name is that of a class."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs_data.jobs.job_names import human_name


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        ("arFindingAidJob", "Finding aid"),
        (r"App\Jobs\FindingAidJob", "Finding aid"),
        (r"\App\Jobs\FindingAidJob", "Finding aid"),
        ("arUpdateEsIoDocumentsJob", "Search index update"),
        ("arPhysicalThingCsvHoldingsReportJob", "Physical thing CSV holdings report"),
        ("arZipFileDownloadJob", "Zip file download"),
        (r"App\Jobs\ImportJob", "Import"),
        (r"AhgArchivematica\Jobs\IngestDipFromSs", "Import of a DIP"),
        (r"AhgIngest\Jobs\IngestCommitJob", "Ingest"),
        (r"AhgOther\Jobs\MendPagesJob", "Mend pages"),
        ("Jobs\\MendPages", "Jobs\\MendPages"),
        ("qtSwordPluginWorker", "SWORD deposit"),
        (r"App\Jobs\Exports\SendEADFileJob", "Send EAD file"),
        ("CSV import - archival descriptions", "CSV import - archival descriptions"),
        ("Import: accessions-2026.csv", "Import: accessions-2026.csv"),
        ("arJob", "arJob"),
        ("App\\Jobs\\<b>Job", "App\\Jobs\\<b>Job"),
        ("arFindingAidJob\n", "arFindingAidJob\n"),
        ("  ", "[Unknown]"),
        ("", "[Unknown]"),
    ],
)
def test_a_class_is_said_in_words(stored: str, said: str) -> None:
    """A class of the platform becomes words; a phrase stays as it is."""
    assert human_name(stored) == said


@given(st.text() | st.from_regex(r"(ar|App\\Jobs\\)\w{0,20}Job"))
def test_every_name_has_one(stored: str) -> None:
    """It is never blank, whatever the name."""
    assert human_name(stored).strip(" ")
