-- What keeps arenas of pymalloc that are less than a quarter full: objects in them, and objects whose tables are in them,
-- by type. An arena is counted for each type that has something in it.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT type.name AS type, sum(objects) AS objects, sum(pins.bytes) AS bytes, count(DISTINCT arena) AS arenas,
    min(example) AS example
FROM (
    SELECT object.type AS type, arena.id AS arena, count(*) AS objects, sum(object.size) AS bytes,
        min(object.addr) AS example
    FROM arena CROSS JOIN object ON object.addr >= arena.start AND object.addr < arena.start + arena.bytes
    WHERE arena.kind = 'pymalloc' AND arena.used * 4 < arena.bytes
    GROUP BY arena.id, object.type
    UNION ALL
    SELECT object.type, arena.id, count(*), sum(part.bytes), min(part.owner)
    FROM arena CROSS JOIN part ON part.addr >= arena.start AND part.addr < arena.start + arena.bytes
        CROSS JOIN object ON object.addr = part.owner
    WHERE arena.kind = 'pymalloc' AND arena.used * 4 < arena.bytes
        AND NOT (part.owner >= arena.start AND part.owner < arena.start + arena.bytes)
    GROUP BY arena.id, object.type
) AS pins JOIN type ON type.id = pins.type
GROUP BY type.id
ORDER BY arenas DESC, objects DESC, type.name
