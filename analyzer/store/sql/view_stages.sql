-- SPDX-License-Identifier: GPL-3.0-or-later
-- What the load took.
SELECT id, name, rows, round(seconds, 2) AS seconds, peak_bytes FROM stage
