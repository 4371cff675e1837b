-- Objects, their memory, and the address space in one row.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT
	(SELECT sum(count) FROM type) AS objects,
	(SELECT sum(bytes) FROM type) AS bytes,
	(SELECT sum(native) FROM type) AS native,
	(SELECT count(*) FROM type) AS types,
	(SELECT count(*) FROM warning) AS warnings,
	(SELECT sum(bytes) FROM mapping) AS mapped,
	(SELECT sum(dumped) FROM mapping) AS dumped,
	(SELECT count(*) FROM thread) AS threads,
	(SELECT count(*) FROM frame) AS frames,
	(SELECT sum(seconds) FROM stage) AS load_seconds
