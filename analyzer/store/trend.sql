-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- What `necropsy trend` and the browser are told about a series of snapshots. Not a file: a result that lives as long as it is looked
-- at. Times are seconds since 1970.

CREATE TABLE meta(
	key TEXT PRIMARY KEY,
	value TEXT
) WITHOUT ROWID;

CREATE TABLE snapshot(
	id INTEGER PRIMARY KEY,			-- in the order of time
	source TEXT NOT NULL,
	operand INTEGER,			-- which of the arguments, from 0
	format TEXT,
	time REAL,				-- of a recording: of its last figure
	objects INTEGER,
	bytes INTEGER,				-- of all objects
	pid INTEGER
);

CREATE TABLE series(
	id INTEGER PRIMARY KEY,
	kind TEXT NOT NULL,			-- memory, type, holder, container
	name TEXT NOT NULL,
	unit TEXT NOT NULL,			-- bytes, count
	addr INTEGER,				-- of a holder or container
	points INTEGER,
	first REAL, last REAL,			-- figures
	first_time REAL, last_time REAL,
	shape TEXT,
	grows INTEGER,				-- 1: and goes on growing
	per_hour REAL,				-- of the growth that goes on
	error REAL,				-- of per_hour, half of the 95 % interval; NULL: not known
	level REAL,				-- where it levels off
	spark TEXT				-- its course as digits from 0 to 7, a column each; '.': not known
);

CREATE TABLE point(
	series INTEGER,
	time REAL,
	value REAL
);

-- When memory reaches a limit; no row: no limit is known.
CREATE TABLE forecast(
	id INTEGER PRIMARY KEY,
	series INTEGER,				-- series.id of the memory that is limited
	bytes REAL,				-- the limit
	origin TEXT,				-- who says so: --limit, cgroup, address space
	verdict TEXT,				-- reached at that time, never, over, unknown
	at REAL, earliest REAL, latest REAL	-- NULL: never, or not known
);

CREATE TABLE note(
	id INTEGER PRIMARY KEY,
	text TEXT NOT NULL
);
