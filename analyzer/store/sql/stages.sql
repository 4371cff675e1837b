-- What the load took, stage by stage.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT id, name, rows, seconds, peak_bytes FROM stage ORDER BY id
