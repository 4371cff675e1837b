-- Objects with more owners than their count says: how many, and the one that retains most.
-- SPDX-License-Identifier: GPL-3.0-or-later
WITH short AS (
#include "short_counts.sql"
)
SELECT s.addr AS addr, s.retained AS retained, t.name AS type, s.refcount AS refcount, s.owners AS owners,
	(SELECT count(*) FROM short WHERE owners > refcount) AS count
FROM short s
LEFT JOIN type t ON t.id = s.type
WHERE s.owners > s.refcount
ORDER BY s.retained DESC, s.addr
LIMIT 1
