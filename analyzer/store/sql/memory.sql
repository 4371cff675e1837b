-- Where the memory of the process went: the categories of the partition, the largest first.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT category, bytes, count FROM memory ORDER BY bytes DESC, category
