-- The object at :addr as a box of a drawing.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT t.name AS type, o.size AS size, o.native AS native, o.retained AS retained, v.text AS value, o.distance AS distance
FROM object o
LEFT JOIN type t ON t.id = o.type
LEFT JOIN value v ON v.addr = o.addr
WHERE o.addr = :addr
