-- Types with the number of their objects and the memory of these.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT
	name,
	count,
	bytes,
	native,
	retained,
	addr,
	id,
	coalesce(bytes, 0) + coalesce(native, 0) AS total
FROM type
