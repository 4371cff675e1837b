-- What the object at :addr keeps alive, with the name of its type.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT t.name, o.retained
FROM object o
JOIN type t ON t.id = o.type
WHERE o.addr = :addr
