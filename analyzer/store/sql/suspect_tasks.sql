-- asyncio tasks that have a result or an exception: they are done.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT o.addr AS addr, o.retained AS retained
FROM type t
CROSS JOIN instance i ON i.type = t.id
CROSS JOIN object o ON o.addr = i.addr
WHERE t.name IN ('_asyncio.Task', 'asyncio.tasks.Task') AND o.distance > 0
	AND EXISTS (
		SELECT 1 FROM reference r
		WHERE r.src = o.addr AND r.label IN ('.result()', '.exception()')
	)
