-- SPDX-License-Identifier: GPL-3.0-or-later
-- Modules whose types changed.
SELECT coalesce(module, CASE WHEN instr(name, '.') THEN substr(name, 1, instr(name, '.') - 1) ELSE 'builtins' END) AS module,
    sum(count_b) AS count_b, sum(coalesce(count_b, 0) - coalesce(count_a, 0)) AS count, sum(bytes_b) AS bytes_b,
    sum(coalesce(bytes_b, 0) - coalesce(bytes_a, 0)) AS bytes, sum(added) AS added, sum(gone) AS gone
FROM class
GROUP BY 1
HAVING sum(coalesce(count_b, 0) - coalesce(count_a, 0)) OR sum(coalesce(bytes_b, 0) - coalesce(bytes_a, 0)) OR sum(added) OR sum(gone)
