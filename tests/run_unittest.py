# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the unittest cases of one file and prints TAP, a line a case: python3 run_unittest.py test_x.py"""
import importlib.util
import os
import signal
import sys
import unittest


class TapResult(unittest.TestResult):
    """Prints each case as it ends; a failing subtest fails its case."""

    def __init__(self):
        super().__init__()
        self.number = 0
        self.broken = []

    def line(self, ok, test, note=""):
        self.number += 1
        name = test.id().replace("#", "").replace("\n", " ")
        print("%s %d - %s%s" % ("ok" if ok else "not ok", self.number, name, note), flush=True)

    def explain(self, test, err):
        for line in self._exc_info_to_string(err, test).rstrip().split("\n"):
            print("# " + line)

    def addSuccess(self, test):
        self.line(True, test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.explain(test, err)
        self.line(False, test)

    def addError(self, test, err):
        super().addError(test, err)
        self.explain(test, err)
        self.line(False, test)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.line(True, test, " # SKIP " + reason.replace("\n", " "))

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        self.line(False, test, " # TODO expected failure")

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.line(False, test)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.explain(subtest, err)
            self.broken.append(test)

    def stopTest(self, test):
        # A case with failed subtests ends without any other call.
        if test in self.broken:
            self.line(False, test)
        super().stopTest(test)


def main(path):
    directory, name = os.path.split(os.path.abspath(path))
    sys.path.insert(0, directory)
    spec = importlib.util.spec_from_file_location(name[:-len(".py")], path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    # A job in the background of a shell is born with SIGINT ignored, and so would be the programs that it tests.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    result = TapResult()
    unittest.defaultTestLoader.loadTestsFromModule(module).run(result)
    print("1..%d" % result.number)
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
