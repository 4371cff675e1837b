-- The object at :addr, with what holds it.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT
	o.addr,
	t.name AS type,
	t.addr AS type_addr,
	o.size,
	o.native,
	o.refcount,
	o.referrers,
	o.retained,
	o.distance,
	o.idom,
	(SELECT it.name FROM object i JOIN type it ON it.id = i.type WHERE i.addr = o.idom) AS idom_type,
	preview(o.idom) AS idom_value,
	preview(o.addr) AS value,
	(
		SELECT group_concat(name, ', ')
		FROM (
			SELECT DISTINCT CASE WHEN label IS NULL THEN kind ELSE kind || ' ' || label END AS name
			FROM root WHERE root.addr = o.addr LIMIT 8
		)
	) AS roots,
	o.flags
FROM object o
LEFT JOIN type t ON t.id = o.type
WHERE o.addr = :addr
