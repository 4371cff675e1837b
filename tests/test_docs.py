# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written about the commands is what the commands are: man page, completions, README."""
import os
import re
import shutil
import subprocess
import unittest

SRCDIR = os.environ["srcdir"]
NECROPSY = os.environ["NECROPSY"]


def read(path):
    with open(os.path.join(SRCDIR, path), encoding="utf-8") as f:
        return f.read()


def output(*command, **kwargs):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          universal_newlines=True, timeout=300, **kwargs)
    return done.returncode, done.stdout


def help_of(*command):
    status, text = output(NECROPSY, *(command + ("--help",)))
    if status != 0:
        raise AssertionError("%s --help: status %d: %s" % (command, status, text))
    return text


def commands():
    part = help_of().split("\ncommands:\n", 1)[1].split("\n\n", 1)[0]
    return re.findall(r"^  ([a-z]+) ", part, re.M)


def options(text):
    return set(re.findall(r"^ +(?:-[a-zA-Z], )? *(--[a-z-]+)", text, re.M))


def all_options():
    return options(help_of()).union(*(options(help_of(command)) for command in commands()))


class ManPage(unittest.TestCase):
    path = os.path.join(os.path.dirname(NECROPSY), "docs", "necropsy.1")

    def setUp(self):
        with open(self.path, encoding="utf-8") as f:
            self.text = f.read().replace("\\-", "-")

    def test_names_every_command(self):
        section = self.text.split(".SH COMMANDS", 1)[1].split(".SH", 1)[0]
        self.assertEqual(re.findall(r'^\.SS "necropsy ([a-z]+)', section, re.M), commands())

    def test_names_every_option(self):
        described = re.findall(r"^\.TP\n\\fB(?:-[a-zA-Z], )?(--[a-z-]+)", self.text, re.M)
        self.assertEqual(set(described), all_options())

    @unittest.skipUnless(shutil.which("groff"), "no groff")
    def test_is_well_formed(self):
        self.assertEqual(output("groff", "-man", "-Tutf8", "-ww", "-z", self.path), (0, ""))


@unittest.skipUnless(shutil.which("bash"), "no bash")
class BashCompletion(unittest.TestCase):
    def complete(self, *words):
        script = ('. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _necropsy; '
                  'printf "%s\\n" "${COMPREPLY[@]}"')
        env = dict(os.environ, PATH=os.path.dirname(NECROPSY) + os.pathsep + os.environ["PATH"])
        status, text = output("bash", "-c", script, "bash", os.path.join(SRCDIR, "completions/necropsy.bash"),
                              "necropsy", *words, env=env, cwd=os.path.join(SRCDIR, "docs"))
        self.assertEqual(status, 0, text)
        return set(text.split())

    def test_first_word_is_a_command_or_a_file(self):
        self.assertLessEqual(set(commands()), self.complete(""))
        self.assertIn("necropsy.1.in", self.complete(""))
        self.assertEqual(self.complete("repo"), {"report"})

    def test_second_word_is_a_file(self):
        self.assertEqual(self.complete("show", "necr"), {"necropsy.1.in"})
        self.assertNotIn("report", self.complete("show", ""))

    def test_options_are_those_of_the_command(self):
        for command in commands():
            with self.subTest(command=command):
                self.assertEqual(self.complete(command, "--"), options(help_of(command)))
        self.assertEqual(self.complete("--"), options(help_of()))
        self.assertEqual(self.complete("necropsy.1.in", "--vers"), {"--version"})


@unittest.skipUnless(shutil.which("zsh"), "no zsh")
class ZshCompletion(unittest.TestCase):
    def test_parses(self):
        self.assertEqual(output("zsh", "-n", os.path.join(SRCDIR, "completions/_necropsy")), (0, ""))


class Readme(unittest.TestCase):
    def test_commands_that_it_shows_exist(self):
        shown = re.findall(r"^(?:\$ )?necropsy ([a-z]+) ", read("README.md"), re.M)
        self.assertTrue(shown)
        self.assertLessEqual(set(shown), set(commands()))

    def test_links_lead_somewhere(self):
        for page in ("README.md", "docs/architecture.md"):
            for link in re.findall(r"\]\(([^)#:]+)\)", read(page)):
                with self.subTest(page=page, link=link):
                    self.assertTrue(os.path.exists(os.path.join(SRCDIR, os.path.dirname(page), link)))


if __name__ == "__main__":
    unittest.main()
