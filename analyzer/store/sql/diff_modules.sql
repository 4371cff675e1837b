-- Modules by how much their classes grew; what is built in is one of them.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT coalesce(module, CASE WHEN instr(name, '.') THEN substr(name, 1, instr(name, '.') - 1) ELSE 'builtins' END) AS module,
    sum(count_a) AS count_a, sum(count_b) AS count_b, sum(coalesce(count_b, 0) - coalesce(count_a, 0)) AS count,
    sum(bytes_a) AS bytes_a, sum(bytes_b) AS bytes_b, sum(coalesce(bytes_b, 0) - coalesce(bytes_a, 0)) AS bytes,
    sum(added) AS added, sum(added_bytes) AS added_bytes, sum(gone) AS gone, sum(gone_bytes) AS gone_bytes,
    sum(grown) AS grown, sum(grown_bytes) AS grown_bytes
FROM class
GROUP BY 1
