-- Recorded figures of the process itself, children left out.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT name, coalesce(unit, 'bytes') AS unit, time, value
FROM sample s
WHERE coalesce(pid, 0) = (SELECT min(coalesce(pid, 0)) FROM sample)
ORDER BY name, time, id
