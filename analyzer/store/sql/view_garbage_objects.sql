-- SPDX-License-Identifier: GPL-3.0-or-later
-- Objects of the type :id that no root reaches.
SELECT o.addr AS addr, o.size AS size, o.retained AS retained, o.referrers AS referrers, o.refcount AS refcount,
    (SELECT text FROM value WHERE addr = o.addr) AS value
FROM instance i
JOIN object o ON o.addr = i.addr
WHERE i.type = :id AND o.distance = 0
