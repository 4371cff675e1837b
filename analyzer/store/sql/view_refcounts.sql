-- SPDX-License-Identifier: GPL-3.0-or-later
-- Objects whose reference count is higher than the references and roots that were found.
SELECT c.addr AS addr, t.name AS type, c.refcount AS refcount, c.referrers AS found, c.roots AS roots,
    c.refcount - c.referrers - c.roots AS more, c.retained AS retained,
    (SELECT text FROM value WHERE addr = c.addr) AS value
FROM (
    SELECT o.addr, o.type, o.refcount, o.referrers, o.retained,
        (SELECT count(*) FROM root WHERE root.addr = o.addr AND root.kind <> 'implied') AS roots
    FROM object o
    WHERE o.refcount > o.referrers AND o.flags & 12 = 0
) c
LEFT JOIN type t ON t.id = c.type
WHERE c.refcount - c.referrers > c.roots
