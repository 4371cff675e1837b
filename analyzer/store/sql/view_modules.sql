-- SPDX-License-Identifier: GPL-3.0-or-later
-- Classes summed by module; retained by all of them, nothing counted twice.
SELECT module, sum(count) AS count, sum(bytes) AS bytes, sum(native) AS native,
    coalesce((SELECT g.retained FROM type_group g WHERE g.kind = 'module' AND g.name = m.module),
        CASE WHEN count(*) = 1 THEN max(m.retained) END) AS retained,
    CAST(round(10000.0 * (sum(bytes) + coalesce(sum(native), 0))
        / (SELECT nullif(sum(bytes) + coalesce(sum(native), 0), 0) FROM type)) AS INTEGER) AS share
FROM (SELECT coalesce(module, '?') AS module, count, bytes, native, retained FROM type WHERE count > 0) m
GROUP BY module
