-- SPDX-License-Identifier: GPL-3.0-or-later
-- Objects of the classes named :type; built-in ones by their short name too. The value is no join, so that only
-- rows of the page are asked for it.
SELECT o.addr AS addr, o.size AS size, o.native AS native, o.retained AS retained,
    o.referrers AS referrers, o.refcount AS refcount, (SELECT text FROM value WHERE addr = o.addr) AS value
FROM type t
JOIN instance i ON i.type = t.id
JOIN object o ON o.addr = i.addr
WHERE t.name IN (:type, 'builtins.' || :type, '__builtin__.' || :type)
