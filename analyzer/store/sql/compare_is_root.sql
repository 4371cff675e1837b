-- Is :addr a root of :kind? Without a :word one that owns it; else that word, by its label.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT 1 FROM root WHERE addr = :addr AND kind = :kind AND CASE WHEN :word IS NULL THEN doubt = 0 ELSE coalesce(label, '') = :word END LIMIT 1
