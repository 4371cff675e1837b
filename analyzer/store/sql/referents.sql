-- References of the object at :addr, in the order in which it has them.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT
	r.label AS label,
	r.kind AS kind,
	r.dst AS addr,
	t.name AS type,
	o.size AS size,
	o.retained AS retained,
	preview(r.dst) AS value
FROM reference r
LEFT JOIN object o ON o.addr = r.dst
LEFT JOIN type t ON t.id = o.type
WHERE r.src = :addr
