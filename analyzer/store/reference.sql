-- SPDX-License-Identifier: GPL-3.0-or-later
-- References between objects. A virtual table: necropsy has it, and the stock sqlite3 shell after '.load necropsy'.
-- Quick for a given src, a given dst, or both. Every object has one of kind 'type' to its type, where that is an object.
CREATE TABLE reference(
	src INTEGER,				-- object.addr of the referrer
	dst INTEGER,				-- object.addr of the referent
	kind TEXT,				-- strong, weak, type, conservative (a word that points exactly at an object), borrowed (not counted)
	label TEXT,				-- .name ['key'] [3] +0x18
	label_kind INTEGER HIDDEN,		-- 0 none, 1 fixed name, 2 index, 3 key, 4 attribute, 5 offset
	label_value INTEGER HIDDEN		-- label.id, the index, object.addr of the key or attribute name, the offset
);
