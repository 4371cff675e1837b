-- Tracebacks that are not part of another one, and what they alone keep alive.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT o.addr AS addr, o.retained AS retained
FROM type t
CROSS JOIN instance i ON i.type = t.id
CROSS JOIN object o ON o.addr = i.addr
LEFT JOIN object d ON d.addr = o.idom
WHERE t.name IN ('builtins.traceback', '__builtin__.traceback') AND o.distance > 0
	AND (d.type IS NULL OR d.type <> t.id)
