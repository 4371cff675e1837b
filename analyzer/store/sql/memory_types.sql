-- Types by the bytes of their objects and of what these alone own besides.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT name, count, bytes + coalesce(native, 0) AS bytes
FROM type
WHERE count > 0
ORDER BY bytes DESC, name
