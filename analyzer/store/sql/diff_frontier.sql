-- What was born, by the nearest object that was there before.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT id, addr, coalesce(class, '(no single object)') AS class, coalesce(path, '') AS path, count, bytes, added
FROM frontier
