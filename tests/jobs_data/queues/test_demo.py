"""The queues of the demo."""

from sqlalchemy import func, select

from jobs_data import demo
from jobs_data.platform import tables
from jobs_data.platform.database import Database
from jobs_data.platform.engine import make_engine
from jobs_data.queues import reads
from jobs_data.queues.filters import QueueFilter, QueueView
from jobs_data.queues.model import Kind, QueueState


def test_a_demo_has_believable_queues(empty_database: str) -> None:
    """300 queued jobs beside 1,200 others, and what batches count is what their jobs are."""
    engine = make_engine(empty_database)
    demo.create(engine, jobs=1_200, seed=3)
    database = Database(engine)
    assert reads.read_queue_jobs(database, QueueView(QueueFilter(kind=Kind.HERATIO))).page.total == 300
    queues = reads.read_overview(database).queues
    assert {queue.kind for queue in queues} == set(Kind)
    for count in ("waiting", "delayed", "running", "failed"):
        assert sum(getattr(queue, count) for queue in queues) > 0
    batches = reads.read_batches(database).page.items
    for batch in (each for each in batches if each.kind is Kind.HERATIO):
        asked = QueueView(QueueFilter(batch=int(batch.id)), limit=200)
        own = [job.state for job in reads.read_queue_jobs(database, asked).page.items]
        assert len(own) == batch.total
        assert own.count(QueueState.COMPLETED) == batch.completed
        assert own.count(QueueState.FAILED) == batch.failed
    engine.dispose()


def test_the_simulator_moves_the_queue(empty_database: str) -> None:
    """Jobs come, start and complete; those that had ended stay as they are."""
    engine = make_engine(empty_database)
    demo.create(engine, jobs=60, seed=3)
    ended = tables.queue_job.c.status.in_(["completed", "failed", "cancelled"])
    with engine.connect() as connection:
        in_order = select(tables.queue_job).order_by(tables.queue_job.c.id)
        before = connection.execute(in_order.where(ended)).all()
    simulator = demo.Simulator(engine, seed=4)
    for _ in range(120):
        simulator.step()
    with engine.connect() as connection:
        ids = [row.id for row in before]
        kept = in_order.where(tables.queue_job.c.id.in_(ids))
        assert connection.execute(kept).all() == before
        assert connection.execute(select(func.count()).where(ended)).scalar_one() > len(before)
    engine.dispose()
