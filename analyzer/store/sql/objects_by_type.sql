-- Instances of the type :type (its id), in order of addresses.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT o.addr, o.size, o.native, o.refcount, o.referrers, o.retained, o.distance, o.flags, v.text AS value
FROM instance i CROSS JOIN object o ON o.addr = i.addr LEFT JOIN value v ON v.addr = i.addr
WHERE i.type = :type
ORDER BY i.addr
