-- Objects whose reference count is not that of the references and roots that were found: what has fewer than own it first.
-- SPDX-License-Identifier: GPL-3.0-or-later
-- The limit keeps SQLite from looking into objects before it has sorted them.
SELECT addr, type, refcount, found, roots, more, retained, preview(addr) AS value
FROM (
	SELECT *
	FROM (
		SELECT o.addr, t.name AS type, o.refcount, s.owners AS found, 0 AS roots, o.refcount - s.owners AS more, o.retained
		FROM short_count s JOIN object o ON o.addr = s.addr
		LEFT JOIN type t ON t.id = o.type
		WHERE s.owners > o.refcount
		UNION ALL
		SELECT addr, type, refcount, found, roots, more, retained
		FROM (
#include "view_refcounts.sql"
		)
	)
	ORDER BY more > 0, retained DESC, addr
	LIMIT -1
)
