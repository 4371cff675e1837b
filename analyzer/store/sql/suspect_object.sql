-- The object at :addr and its immediate dominator.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT o.idom AS idom, o.retained AS retained, t.name AS type
FROM object o LEFT JOIN type t ON t.id = o.type
WHERE o.addr = :addr
