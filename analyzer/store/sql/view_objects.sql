-- SPDX-License-Identifier: GPL-3.0-or-later
-- Objects of the classes named :type; built-in ones by their short name too.
SELECT o.addr AS addr, o.size AS size, o.native AS native, o.retained AS retained,
    o.referrers AS referrers, o.refcount AS refcount, v.text AS value
FROM type t
JOIN instance i ON i.type = t.id
JOIN object o ON o.addr = i.addr
LEFT JOIN value v ON v.addr = o.addr
WHERE t.name IN (:type, 'builtins.' || :type, '__builtin__.' || :type)
