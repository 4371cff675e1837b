-- Types with their objects, for a list over several snapshots.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT id, name, module, coalesce(count, 0), coalesce(bytes, 0) + coalesce(native, 0)
FROM type
WHERE (SELECT 1 FROM pack_out LIMIT 1)
