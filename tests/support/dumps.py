"""All rows of a database's tables, byte for byte, to compare what was with what is."""

from sqlalchemy import Engine, inspect

Dump = dict[str, list[tuple[object, ...]]]


def dump(engine: Engine) -> Dump:
    """Return the rows of each table, in an order that is always the same, as the server spells them.

    On SQLite each value comes with its type, because there it is the value that has one.
    """
    spelt = "typeof({0}), quote(CAST({0} AS BLOB))" if engine.dialect.name == "sqlite" else "HEX({0})"
    with engine.connect() as connection:
        found = {}
        for table in inspect(connection).get_table_names():
            names = connection.exec_driver_sql(f"SELECT * FROM `{table}` LIMIT 0").keys()
            columns = ", ".join(spelt.format(f"`{name}`") for name in names)
            rows = connection.exec_driver_sql(f"SELECT {columns} FROM `{table}`")
            found[table] = sorted(map(tuple, rows), key=repr)
        return found
