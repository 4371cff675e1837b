-- Bytes of the collector's header before an object.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT offset FROM layout WHERE field = 'sizeof PyGC_Head'
