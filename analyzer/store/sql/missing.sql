-- Address ranges that neither the dump nor a file has, those first that most references lead into. Where nothing was cut off only
-- these: that a dump has no pages of files which nobody refers to is no loss.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT printf('0x%x-0x%x', end - missing, end) AS range, missing AS bytes, missing_references AS refs,
	coalesce(path, kind, '') AS name
FROM mapping
WHERE missing > 0
	AND (missing_references > 0
		OR (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'memory_truncated') > 0 AND perms LIKE '_w%')
ORDER BY missing_references DESC, missing DESC, start
