-- Tasks of asyncio and greenlets by what they retain.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT t.kind AS kind, t.name AS name, t.state AS state, t.addr AS addr, o.retained AS retained
FROM task t
JOIN object o ON o.addr = t.addr
ORDER BY o.retained DESC, t.addr
