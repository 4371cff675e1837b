-- Roots in order of addresses, without words that turned out to own nothing.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT r.addr, r.kind, r.doubt FROM root r JOIN object o ON o.addr = r.addr
WHERE o.distance = 1 ORDER BY r.addr, r.id
