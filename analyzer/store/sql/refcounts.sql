-- Objects whose reference count is not that of the references and roots that were found: what has fewer than own it first.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT *
FROM (
	SELECT c.addr, t.name AS type, c.refcount, c.owners AS found, 0 AS roots, c.refcount - c.owners AS more, c.retained, v.text AS value
	FROM (
#include "short_counts.sql"
	) c
	LEFT JOIN type t ON t.id = c.type
	LEFT JOIN value v ON v.addr = c.addr
	WHERE c.owners > c.refcount
	UNION ALL
	SELECT *
	FROM (
#include "view_refcounts.sql"
	)
)
ORDER BY more > 0, retained DESC, addr
