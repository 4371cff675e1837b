-- Objects whose reference count is not that of the references and roots that were found: what has fewer than own it first.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT *
FROM (
	SELECT o.addr, t.name AS type, o.refcount, s.owners AS found, 0 AS roots, o.refcount - s.owners AS more, o.retained, v.text AS value
	FROM short_count s JOIN object o ON o.addr = s.addr
	LEFT JOIN type t ON t.id = o.type
	LEFT JOIN value v ON v.addr = o.addr
	WHERE s.owners > o.refcount
	UNION ALL
	SELECT *
	FROM (
#include "view_refcounts.sql"
	)
)
ORDER BY more > 0, retained DESC, addr
