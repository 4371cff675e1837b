-- Threads by what their frames and their state alone retain.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT coalesce(name, 'thread ' || tid) AS name, tid, state,
	(SELECT count(*) FROM frame WHERE frame.thread = thread.id AND frame.kind = 'python') AS frames, retained
FROM thread
WHERE retained IS NOT NULL
ORDER BY retained DESC, id
