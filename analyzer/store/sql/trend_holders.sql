-- What holds more than before, for a series.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT addr, class, coalesce(path, '') AS path
FROM holder
ORDER BY id
