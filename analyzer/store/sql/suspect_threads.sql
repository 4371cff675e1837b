-- Threads whose frames and state alone keep at least :least bytes alive, the most first, and the local that retains most.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT t.id AS id, coalesce(t.name, 'thread ' || t.tid) AS name, t.retained AS retained,
	(SELECT count(*) FROM frame f WHERE f.thread = t.id AND f.kind = 'python') AS frames,
	(SELECT l.addr FROM local l JOIN object o ON o.addr = l.addr WHERE l.thread = t.id ORDER BY o.retained DESC, l.id LIMIT 1) AS addr
FROM thread t
WHERE t.retained >= :least
ORDER BY t.retained DESC
