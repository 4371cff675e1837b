-- Kinds of roots, and what the objects of each retain, one by one: what two roots hold together is in no sum.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT r.kind AS kind, count(*) AS objects, sum(o.retained) AS retained
FROM (
#include "root_of_each.sql"
) r
CROSS JOIN object o ON o.addr = r.addr
WHERE o.idom IS NULL AND o.distance = 1
GROUP BY r.kind
ORDER BY retained DESC, r.kind
