-- Classes of the objects that a selection over several snapshots left.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT name, count_b AS count, bytes_b AS bytes
FROM class
