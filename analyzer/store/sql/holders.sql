-- The objects that hold the most, with the one that alone keeps each alive, idom.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT o.addr AS addr, t.name AS what, o.retained AS retained, o.size AS size, v.text AS value,
	CAST(round(10000.0 * o.retained
		/ (SELECT nullif(sum(bytes) + coalesce(sum(native), 0), 0) FROM type)) AS INTEGER) AS share,
	(o.retained <= o.size + coalesce(o.native, 0)) AS leaf,
	o.idom AS idom, o.distance AS distance
FROM largest l
JOIN object o ON o.addr = l.addr
LEFT JOIN type t ON t.id = o.type
LEFT JOIN value v ON v.addr = o.addr
WHERE l.by = 'retained'
