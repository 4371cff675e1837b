-- How many references lead from the object at :addr, how many of them not to its type, and how many to it.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT
	(SELECT count(*) FROM reference WHERE src = :addr) AS referents,
	(SELECT count(*) FROM reference WHERE src = :addr AND kind <> 'type') AS items,
	(SELECT count(*) FROM reference WHERE dst = :addr) AS referrers
