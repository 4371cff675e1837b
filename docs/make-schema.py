#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes docs/schema.md out of the comments of the schema: python3 docs/make-schema.py > docs/schema.md

Reads analyzer/store/schema.sql and the two virtual tables beside it. The comment right before a CREATE TABLE describes the
table, the comment behind a column (and the comment lines that follow it) the column.
"""
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
STORE = os.path.join(HERE, os.pardir, "analyzer", "store")

HEAD = """# The database

<!-- Made by docs/make-schema.py from analyzer/store/*.sql. Do not edit. -->

{intro}

The stock `sqlite3` shell reads all of it but two tables, which the extension adds:

```
sqlite3 core.necropsy
sqlite> .load /usr/local/lib/necropsy/necropsy
sqlite> SELECT label, printf('0x%x', dst) FROM reference WHERE src = 0x7f0123456780;
```
"""


def tables(path):
    """Yields (comment, name, [(column, type, comment)]) and, first, (comment, None, []) for the comment of the file."""
    comment, paragraphs, name, columns = [], [], None, []
    for line in open(path, encoding="utf-8"):
        text = line.strip()
        if name is None:
            match = re.match(r"CREATE TABLE (\w+)\(", text)
            if match:
                name, columns = match.group(1), []
            elif text.startswith("--"):
                comment.append(text[2:].strip())
            elif not text and comment:
                if not paragraphs:
                    paragraphs = [comment]
                    yield comment, None, []
                comment = []
        elif text.startswith(")"):
            yield comment, name, columns
            comment, name = [], None
        elif text.startswith("--"):
            column = columns[-1]
            columns[-1] = (column[0], column[1], column[2] + " " + text[2:].strip())
        elif not text.startswith("PRIMARY KEY("):
            definition, _, about = text.partition("--")
            column, kind = definition.rstrip(" \t,").split(None, 1)
            if not about.strip():
                sys.exit("%s: column %s.%s has no comment" % (path, name, column))
            columns.append((column, kind, about.strip()))


def paragraphs(lines):
    text = "\n".join(line for line in lines if not line.startswith("SPDX-"))
    return re.sub(r"\n\n+", "\n\n", text).strip()


def escape(text):
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


def main():
    for path in ("schema.sql", "reference.sql", "instance.sql"):
        for comment, name, columns in tables(os.path.join(STORE, path)):
            if name is None:
                print(HEAD.format(intro=escape(paragraphs(comment))))
                continue
            if not paragraphs(comment):
                sys.exit("%s: table %s has no comment" % (path, name))
            print("## %s\n\n%s\n" % (name, escape(paragraphs(comment))))
            print("| column | type | |\n| --- | --- | --- |")
            for column, kind, about in columns:
                print("| `%s` | %s | %s |" % (column, kind, escape(about)))
            print()


if __name__ == "__main__":
    main()
