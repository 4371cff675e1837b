-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- What `necropsy diff` and the browser are told about two snapshots, A before B. Not a file: a result that lives as long as it is
-- looked at. Figures are B's minus A's; NULL where a snapshot does not say.

CREATE TABLE meta(
	key TEXT PRIMARY KEY,
	value TEXT
) WITHOUT ROWID;

-- Classes by their normalised names.
CREATE TABLE class(
	id INTEGER PRIMARY KEY,
	name TEXT NOT NULL,
	module TEXT,
	count_a INTEGER, count_b INTEGER,	-- objects; NULL: that snapshot has none of it
	bytes_a INTEGER, bytes_b INTEGER,	-- with native ones
	added INTEGER, added_bytes INTEGER,	-- objects that are in B alone; NULL: objects were not compared
	gone INTEGER, gone_bytes INTEGER,
	grown INTEGER, grown_bytes INTEGER,	-- the same objects, larger or smaller
	holder INTEGER,				-- address of what holds most of those that were added
	path TEXT				-- how it is reached
);

-- Objects under which memory grew: what they alone keep alive, without what grew further below.
CREATE TABLE holder(
	id INTEGER PRIMARY KEY,
	addr INTEGER,
	class TEXT,
	retained_a INTEGER, retained_b INTEGER,
	change INTEGER,				-- retained_b - retained_a
	remains INTEGER,			-- of that, what no other row explains
	born INTEGER,				-- 1: it was born since
	path TEXT
);

-- Containers that are the same and have another length.
CREATE TABLE container(
	id INTEGER PRIMARY KEY,
	addr INTEGER,
	class TEXT,
	length_a INTEGER, length_b INTEGER,
	size_a INTEGER, size_b INTEGER,
	change INTEGER,				-- of what it alone keeps alive; of its size where that is not known
	path TEXT,
	added TEXT,				-- what came in, by class
	first INTEGER				-- address of one of those
);

-- The frontier of what was born: the nearest object that was there before and without which it would go.
CREATE TABLE frontier(
	id INTEGER PRIMARY KEY,
	addr INTEGER,				-- NULL: no single one
	class TEXT,
	count INTEGER, bytes INTEGER,		-- of what was born below it
	path TEXT,
	added TEXT
);

-- Objects behind the numbers; at most OBJECTS of a class and change, unless all were asked for.
CREATE TABLE object(
	id INTEGER PRIMARY KEY,
	side TEXT NOT NULL,			-- where it is: A, B
	addr INTEGER,
	class INTEGER,				-- class.id
	change TEXT NOT NULL,			-- added, gone
	verdict TEXT NOT NULL,			-- born, reused, likely reused; gone
	confidence REAL,
	size INTEGER,
	retained INTEGER
);

CREATE TABLE thread(
	id INTEGER PRIMARY KEY,
	tid INTEGER,
	name TEXT,
	change TEXT NOT NULL,			-- came, gone, moved, still
	state TEXT,				-- in B; of one that is gone in A
	at_a TEXT, at_b TEXT			-- innermost Python frame
);

CREATE TABLE verdict(
	name TEXT PRIMARY KEY,
	confidence REAL,
	count INTEGER				-- objects of B
) WITHOUT ROWID;

CREATE TABLE warning(
	id INTEGER PRIMARY KEY,
	message TEXT NOT NULL
);
