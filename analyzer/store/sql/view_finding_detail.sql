-- SPDX-License-Identifier: GPL-3.0-or-later
-- Why a finding was made, :id.
SELECT id, coalesce(detail, title) AS text FROM finding WHERE id = :id
