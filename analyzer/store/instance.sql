-- SPDX-License-Identifier: GPL-3.0-or-later
-- Objects of a type in order of addresses, without an index on object.type. A virtual table, as reference is.
CREATE TABLE instance(
	type INTEGER,				-- type.id
	addr INTEGER				-- object.addr
);
