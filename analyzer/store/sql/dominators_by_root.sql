-- Roots by what their objects retain: of several roots of an object the first that is sure. What another object retains is that one's.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT r.kind AS kind, r.label AS label, o.addr AS addr, t.name AS type, o.retained AS retained
FROM (
#include "root_of_each.sql"
) r
CROSS JOIN object o ON o.addr = r.addr
LEFT JOIN type t ON t.id = o.type
WHERE o.idom IS NULL AND o.distance = 1
ORDER BY o.retained DESC, r.id
