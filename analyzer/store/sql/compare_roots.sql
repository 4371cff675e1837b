-- Objects that roots refer to, each once a kind; of words that may own nothing each word, by its label.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT DISTINCT addr, kind, doubt, CASE WHEN doubt > 0 THEN coalesce(label, '') END FROM root WHERE addr IS NOT NULL
