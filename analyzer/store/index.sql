-- SPDX-License-Identifier: GPL-3.0-or-later
-- Indexes of the database, made when all rows are there.
CREATE INDEX type_addr ON type(addr);
CREATE INDEX type_name ON type(name);
CREATE INDEX mapping_start ON mapping(start);
CREATE INDEX root_addr ON root(addr);
CREATE INDEX frame_thread ON frame(thread, depth);
CREATE INDEX local_thread ON local(thread, depth);
CREATE INDEX task_frame_task ON task_frame(task, depth);
CREATE INDEX task_wait_task ON task_wait(task);
CREATE INDEX sample_name ON sample(name, time);
CREATE INDEX pack_out_addr ON pack_out(addr) WHERE addr IS NOT NULL;
