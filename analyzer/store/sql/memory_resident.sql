-- What was resident of the process when a capture stopped it; no row for other dumps.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT value FROM sample WHERE name = 'rss' AND unit = 'bytes' ORDER BY time DESC LIMIT 1
