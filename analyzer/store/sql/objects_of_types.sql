-- Objects of the types that types_named finds by :name and :addr.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT
	o.addr AS addr,
	t.name AS type,
	o.size AS size,
	o.native AS native,
	o.retained AS retained,
	o.refcount AS refcount,
	o.referrers AS referrers,
	(SELECT text FROM value v WHERE v.addr = o.addr) AS value
FROM type t
CROSS JOIN instance i ON i.type = t.id
CROSS JOIN object o ON o.addr = i.addr
WHERE t.name = :name
	OR t.addr = :addr
	OR (
		substr(t.name, -length(:name) - 1) = '.' || :name
		AND NOT EXISTS (SELECT 1 FROM type WHERE name = :name)
	)
