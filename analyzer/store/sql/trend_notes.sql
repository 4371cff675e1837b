-- What a person should know of a trend.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT text
FROM note
ORDER BY id
