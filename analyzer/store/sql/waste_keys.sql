-- Dicts that have the same keys in the same order, each in a table of its own, and what that takes: the 1000 that take most.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT d.addr AS addr, d.count AS count, d.bytes AS bytes, preview(d.addr) AS value
FROM duplicate d
WHERE d.kind = 'same keys'
ORDER BY d.rank
