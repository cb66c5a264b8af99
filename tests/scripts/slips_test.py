"""tools/slips.py: records that do not fit the sources are reported, all at once; a slip that no test notices survives."""

import contextlib
import importlib.util
import io
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
spec = importlib.util.spec_from_file_location("slips", ROOT / "tools/slips.py")
slips = importlib.util.module_from_spec(spec)
spec.loader.exec_module(slips)

SOURCE = "int answer() { return 42; }\nint other() { return 1; }\nint again() { return 1; }\n"
TESTS = 'TEST_CASE("answer: it is "\n          "42, always") {}\n'


def record(name, **changes):
    fields = {"id": name, "file": "metrics/answer.cpp", "find": "return 42;", "replace": "return 41;",
              "program": "test_metrics", "tests": "answer: it is 42*", "why": "off by one", **changes}
    return "[[slip]]\n" + "".join(f"{key} = '{value}'\n" for key, value in fields.items() if value is not None)


def write(folder, records):
    for name, text in {"metrics/answer.cpp": SOURCE, "tests/metrics/answer_test.cpp": TESTS,
                       "tools/slips/metrics.toml": "\n".join(records)}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def run(folder, *arguments):
    """Exit status and what is printed."""
    out = io.StringIO()
    sys.argv = ["slips.py", "--root", str(folder), *arguments]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        status = slips.main()
    return status, out.getvalue()


def check_records(folder):
    write(folder, [record("good")])
    assert run(folder, "--check") == (0, "1 slips fit the sources\n")
    faults = {"nowhere": ({"find": "return 43;"}, "stands 0 times in metrics/answer.cpp"),
              "twice": ({"find": "return 1;"}, "stands 2 times in metrics/answer.cpp"),
              "no-file": ({"file": "metrics/question.cpp"}, "there is no metrics/question.cpp"),
              "no-program": ({"program": "test_answers"}, "there is no test program test_answers"),
              "no-test": ({"tests": "question*"}, "no test case of test_metrics is called 'question*'"),
              "no-change": ({"replace": "return 42;"}, "it changes nothing")}
    write(folder, [record(name, **changes) for name, (changes, _) in faults.items()] + [record("twice")])
    status, text = run(folder, "--check")
    assert status == 2, text
    for name, (_, message) in faults.items():
        assert any(name in line and message in line for line in text.splitlines()), (name, text)
    assert "`twice` is used 2 times" in text
    for changes in ({"why": None}, {"wy": "misspelt"}):
        write(folder, [record("fields", **changes)])
        assert run(folder, "--check")[0] == 2


class Worker(slips.Worker):
    """One whose test program fails if the answer is not 42."""

    def prepare(self):
        self.source = self.tree / "metrics/answer.cpp"
        self.source.parent.mkdir(exist_ok=True)
        self.source.write_text(SOURCE)

    def make(self, programs):
        return (1, "error") if "#error" in self.source.read_text() else (0, "")

    def test(self, program, tests, limit):
        return (0 if "return 42;" in self.source.read_text() else 1), ""


def check_outcomes(folder):
    slips.Worker = Worker
    write(folder, [record("wrong"), record("unnoticed", find="int other() { return 1;", replace="int other() { return 2;"),
                   record("same", find="int again() { return 1;", replace="int again() { return 2 - 1;",
                          equivalent="it is the same number")])
    status, text = run(folder)
    assert status == 1, text
    assert "survives: unnoticed" in text and "tests: test_metrics answer: it is 42*" in text
    assert "equivalent: it is the same number" in text
    assert "3 slips: 2 survives, 1 caught" in text
    assert (folder / "build/slips/0/metrics/answer.cpp").read_text() == SOURCE
    # Nothing has changed: nothing is planted again.
    status, text = run(folder, "--resume")
    assert status == 1 and "caught  " not in text and "3 slips: 2 survives, 1 caught" in text
    assert run(folder, "--resume", "wrong")[0] == 0
    # Tests that passed in the same sources without a slip are not repeated for a further one.
    more = record("more", replace="return 43;")
    write(folder, [more])
    status, text = run(folder, "--resume")
    assert status == 0 and "without a slip" not in text and "caught          more" in text, text
    assert "without a slip" in run(folder)[1]
    write(folder, [more, record("other-tests", replace="return 44;", tests="answer*")])
    assert "without a slip" in run(folder, "--resume")[1]
    write(folder, [record("broken", replace="#error")])
    assert run(folder)[0] == 2


for check in (check_records, check_outcomes):
    with tempfile.TemporaryDirectory() as temporary:
        check(Path(temporary))
