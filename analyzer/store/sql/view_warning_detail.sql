-- SPDX-License-Identifier: GPL-3.0-or-later
-- A warning, :id, in full.
SELECT id, message AS text FROM warning WHERE id = :id
