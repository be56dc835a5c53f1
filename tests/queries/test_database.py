import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation.queries.database import files_as_table, locked_connection

READS = [
    "FROM read_csv('{out}/secret.csv')", "FROM '{out}/secret.parquet'", "FROM read_parquet('{run}/../secret.parquet')",
    "FROM read_parquet('{run}/link.parquet')", "FROM read_parquet('{run}/up/secret.parquet')",
    "FROM read_parquet('{run}-2/pairs.parquet')", "FROM read_parquet('{out}/*/pairs.parquet')",
    "FROM parquet_metadata('{out}/secret.parquet')", "FROM read_text('/etc/passwd')", "FROM read_blob('/etc/shadow')",
    "FROM read_json('/proc/self/environ')", "FROM sniff_csv('/etc/passwd')", "FROM glob('/etc/*')",
    "FROM read_csv('http://127.0.0.1:9/x.csv')", "FROM 's3://bucket/x.parquet'", "FROM secret_table",
    "CREATE TABLE t AS FROM read_csv('/etc/passwd')", "IMPORT DATABASE '{out}'", "SELECT getenv('HOME')",
]  # fmt: skip
WRITES = [
    "COPY (SELECT 1) TO '{out}/new.csv'", "COPY (SELECT 1) TO '{run}/../new.parquet' (FORMAT parquet)",
    "COPY (SELECT 1) TO '{run}/up/new.csv'", "EXPORT DATABASE '{out}/new'", "ATTACH '{out}/new.db'",
    "CREATE PERSISTENT SECRET s (TYPE http, BEARER_TOKEN 'x')",
]  # fmt: skip
CHANGES = [
    "INSTALL httpfs", "FORCE INSTALL sqlite FROM community", "LOAD httpfs", "SET enable_external_access = true",
    "SET lock_configuration = false", "SET allowed_directories = ['/']", "RESET allowed_directories",
    "SET temp_directory = '{out}/new'", "SET home_directory = '{out}'", "PRAGMA profiling_output = '{out}/new.json'",
    "SET autoinstall_known_extensions = true", "SET memory_limit = '1TB'", "SET threads = 64",
]  # fmt: skip


@pytest.fixture
def run(tmp_path):
    """A folder that a connection may see, with ways out of it."""
    run = tmp_path / "run"
    for folder, value in ((run, 1), (tmp_path / "run-2", 2)):
        folder.mkdir()
        pq.write_table(pa.table({"a": [value]}), folder / "pairs.parquet")
    pq.write_table(pa.table({"a": [3]}), tmp_path / "secret.parquet")
    (tmp_path / "secret.csv").write_text("a\n4\n")
    (run / "link.parquet").symlink_to(tmp_path / "secret.parquet")
    (run / "up").symlink_to(tmp_path)
    return run


@pytest.mark.parametrize("statement", [*READS, *WRITES, *CHANGES])
def test_a_statement_sees_and_changes_nothing_outside_the_folder(run, statement):
    secret_table = pa.table({"a": [5]})  # Python's variables are no tables either
    before = sorted(str(path) for path in run.parent.rglob("*"))
    connection = locked_connection([run])
    with pytest.raises(duckdb.Error):
        connection.cursor().execute(statement.format(run=run, out=run.parent)).fetchall()
    assert sorted(str(path) for path in run.parent.rglob("*")) == before
    assert connection.sql(f"SELECT a FROM {files_as_table([run / 'pairs.parquet'])}").fetchall() == [(1,)]
    assert len(secret_table) == 1


@pytest.mark.parametrize(
    "name", ["o'x.parquet", "'); DROP TABLE x; --.parquet", "*.parquet", "[a-z]?{b}.parquet", '".parquet']
)
def test_the_name_of_a_file_is_a_name(run, name):
    pq.write_table(pa.table({"a": [6]}), run / name)
    table = files_as_table([run / name])
    assert locked_connection([run]).sql(f"SELECT a FROM {table}").fetchall() == [(6,)]
