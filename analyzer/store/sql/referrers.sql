-- References to the object at :addr.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT
	r.label AS label,
	r.kind AS kind,
	r.src AS addr,
	t.name AS type,
	o.size AS size,
	o.retained AS retained,
	preview(r.src) AS value
FROM reference r
LEFT JOIN object o ON o.addr = r.src
LEFT JOIN type t ON t.id = o.type
WHERE r.dst = :addr
