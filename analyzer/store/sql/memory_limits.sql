-- Limits on the memory of the process, what each is compared with (as the note of capture has it, or as far as the dump tells),
-- and how much that was.
-- SPDX-License-Identifier: GPL-3.0-or-later
WITH measured(of, what, bytes) AS (
    SELECT 'address space', 'address space', (SELECT sum(bytes) FROM mapping WHERE start >= 0)
    UNION ALL
    SELECT 'resident',
        CASE WHEN EXISTS(SELECT 1 FROM sample WHERE name = 'rss') THEN 'resident' ELSE 'private memory that is not zeros' END,
        coalesce((SELECT value FROM sample WHERE name = 'rss' ORDER BY id DESC LIMIT 1),
            (SELECT value + 0 FROM meta WHERE key = 'memory_touched'))
)
SELECT l.name AS name, l.source AS source, l.bytes AS bytes, l.text AS text, m.what AS measured, m.bytes AS measured_bytes
FROM (SELECT DISTINCT name, source, of, bytes, text FROM memory_limit) l LEFT JOIN measured m ON m.of = l.of
ORDER BY l.bytes, l.name, l.source
