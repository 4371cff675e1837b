-- The instances of the type :type.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT addr FROM instance WHERE type = :type ORDER BY addr
