-- What the collector would not free of what no root reaches: objects with __del__ and all that they lead to. Only until Python 3.3, which meta
-- gc_keeps_finalizers says.
-- SPDX-License-Identifier: GPL-3.0-or-later
WITH RECURSIVE kept(addr) AS (
	SELECT addr FROM (
#include "garbage_with_del.sql"
	)
	WHERE (SELECT value FROM meta WHERE key = 'gc_keeps_finalizers') = '1'
	UNION
	SELECT r.dst FROM kept CROSS JOIN reference r ON r.src = kept.addr CROSS JOIN object o ON o.addr = r.dst
	WHERE o.distance = 0 AND r.kind IN ('strong', 'type', 'conservative')
)
SELECT count(*) AS count, coalesce(sum(o.size + coalesce(o.native, 0)), 0) AS bytes
FROM kept JOIN object o ON o.addr = kept.addr
