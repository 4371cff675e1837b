-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- The database of one dump: one file of plain tables, which is as much an interface as the commands are.
--
-- Addresses are those of the process that was dumped, as integers: print them with printf('0x%x', addr). Sizes and offsets
-- are bytes. NULL means that the dump does not say, never zero.

-- This file is compiled into the program, and docs/schema.md is made from its comments by docs/make-schema.py: the
-- comment before a table describes the table, the comment behind a column the column.

-- What the dump is and how it was loaded: one row a fact. Always there: schema_version, tool_version, format, source,
-- source_size, source_mtime, source_hash, loaded_at, complete. With objects: objects, references, dangling. A core adds
-- pid, exe, cmdline, signal, python_version, abi, arch, captured_at and more.
CREATE TABLE meta(
	key TEXT PRIMARY KEY,			-- name of the fact
	value TEXT				-- its value as text; numbers are decimal, times are ISO 8601 in UTC
) WITHOUT ROWID;

-- What the load took: one row a stage, in order.
CREATE TABLE stage(
	id INTEGER PRIMARY KEY,			-- order of the stages
	name TEXT NOT NULL,			-- what was done
	rows INTEGER,				-- things that the stage dealt with
	seconds REAL,				-- wall time
	peak_bytes INTEGER			-- most private memory (anonymous and shared) seen during the stage
);

-- What was odd in the dump, or could not be followed. The load goes on after each of them.
CREATE TABLE warning(
	id INTEGER PRIMARY KEY,			-- order of arrival
	stage TEXT,				-- part of the program that noticed
	addr INTEGER,				-- where in the process; NULL: nowhere in particular
	message TEXT NOT NULL			-- what, where and what was expected instead
);

-- The address space of the process, as /proc/PID/maps would have shown it.
CREATE TABLE mapping(
	id INTEGER PRIMARY KEY,			-- order of addresses
	start INTEGER,				-- first address
	end INTEGER,				-- first address behind it
	bytes INTEGER,				-- end - start
	perms TEXT,				-- 'rwx' with '-' for what is not allowed
	path TEXT,				-- file that was mapped; NULL: anonymous memory
	kind TEXT,				-- heap, stack, file, anon, vdso, ...
	dumped INTEGER,				-- bytes of it that the dump has
	missing INTEGER,			-- bytes at its end that neither the dump nor a file of the same build has
	missing_references INTEGER		-- references of objects that lead into these: what they led to is not known
);

-- Where the memory of the process went: a partition, so the rows add up and nothing is in two of them. Of a core the sum is
-- that of mapping.bytes.
CREATE TABLE memory(
	category TEXT PRIMARY KEY,		-- what the memory was used for
	area TEXT,				-- objects, over-allocation, interpreter, pymalloc, malloc, stacks, files, shared
						-- memory, code, reserved (no access: it costs addresses and no memory), kernel, unknown; NULL: not said
	bytes INTEGER,				-- how much of it
	count INTEGER				-- blocks or things that make it up; NULL: not counted
) WITHOUT ROWID;

-- Classes. One row each that some object is an instance of, and their bases.
CREATE TABLE type(
	id INTEGER PRIMARY KEY,			-- what object.type refers to
	addr INTEGER,				-- address of the type object; NULL: not known
	name TEXT NOT NULL,			-- module.qualname: 'builtins.dict', in Python 2 '__builtin__.dict'
	module TEXT,				-- its module; NULL: not known
	basicsize INTEGER,			-- bytes of an instance without items
	itemsize INTEGER,			-- bytes of an item of a variable-sized instance, 0: not variable-sized
	flags INTEGER,				-- tp_flags
	base INTEGER,				-- address of its first base; NULL: none
	visitor TEXT,				-- how references of instances were found: exact, fields, conservative
	count INTEGER,				-- instances in object (subclasses have rows of their own)
	bytes INTEGER,				-- sum of their sizes
	native INTEGER,				-- sum of what they own outside of their sizes; NULL: not known
	retained INTEGER			-- what they keep alive, nothing counted twice: of an instance that another one keeps
						-- alive, that one's has it; NULL: not known
);

-- What the classes of a module, or of all modules of a package, keep alive together: as type.retained.
CREATE TABLE type_group(
	kind TEXT NOT NULL,			-- module, package (a module up to its first dot)
	name TEXT NOT NULL,			-- '?' where the module is not known
	retained INTEGER NOT NULL,		-- bytes
	PRIMARY KEY(kind, name)
) WITHOUT ROWID;

-- Every object, in order of addresses.
CREATE TABLE object(
	addr INTEGER PRIMARY KEY,		-- address, what id() said in the process
	type INTEGER,				-- type.id
	size INTEGER,				-- bytes, what sys.getsizeof() said in the process
	native INTEGER,				-- bytes it alone owns outside of size; NULL: not known
	refcount INTEGER,			-- its reference count; NULL: not known
	referrers INTEGER,			-- references to it that were found, weak ones left out
	idom INTEGER,				-- the one object on every path from the roots to it that is nearest to it
						-- (immediate dominator); NULL: none
	retained INTEGER,			-- bytes that would go with it: its own and what it alone keeps alive
	distance INTEGER,			-- references on a shortest path from a root, 1: a root; 0: nothing reaches it,
						-- it is garbage
	flags INTEGER				-- 1 has a collector header, 2 tracked, 4 immortal, 8 static, 16 nothing led to it,
						-- 32 a dict whose keys are in a table that others have too
);

-- Objects with more owners than their reference count says: somebody gave back a reference that was not his, and they will be freed
-- while others use them.
CREATE TABLE short_count(
	addr INTEGER PRIMARY KEY,		-- object.addr
	owners INTEGER NOT NULL			-- references that were found and that own it; those of garbage are left out
);

-- Short previews of what objects are, as repr() would begin. Not every object has one.
CREATE TABLE value(
	addr INTEGER PRIMARY KEY,		-- object.addr
	text TEXT NOT NULL			-- at most 200 characters of it
);

-- What keeps objects alive from outside of the graph.
CREATE TABLE root(
	id INTEGER PRIMARY KEY,			-- order of arrival
	addr INTEGER,				-- object.addr
	kind TEXT NOT NULL,			-- interpreter, frame, thread state, value stack, native stack, register, C global,
						-- native memory; of what nothing else is seen to hold: static (data of a program),
						-- immortal (never freed, as interned strings are), implied (its count says so)
	label TEXT,				-- which one
	doubt INTEGER NOT NULL			-- 0: it owns the object; 1: a word that may own nothing (then it counts only where references do not
						-- explain the reference count), or nobody knows which ("implied"); 2: one that may be left
						-- over as well: on a stack, in a register
);

-- Threads of the process.
CREATE TABLE thread(
	id INTEGER PRIMARY KEY,			-- what frame.thread refers to
	tid INTEGER,				-- number that the kernel gave it; NULL: not known
	ident INTEGER,				-- threading.get_ident(); NULL: no Python thread
	addr INTEGER,				-- its PyThreadState; NULL: no Python thread
	name TEXT,				-- name by the threading module
	state TEXT,				-- what it was doing
	gil TEXT,				-- does it have the GIL: held, waiting, none
	daemon INTEGER,				-- 1: a daemon thread; NULL: not known
	interpreter INTEGER,			-- which interpreter it belongs to, 0: the main one
	exception TEXT,				-- the exception that it deals with; NULL: none
	exception_addr INTEGER,			-- object.addr of that
	retained INTEGER			-- bytes that its frames and its state alone keep alive; NULL: not known
);

-- Where the exceptions that threads deal with were raised.
CREATE TABLE traceback(
	id INTEGER PRIMARY KEY,			-- order of arrival
	thread INTEGER NOT NULL,		-- thread.id
	depth INTEGER NOT NULL,			-- 0: the outermost call, as a traceback is printed
	function TEXT,				-- name of the function
	qualname TEXT,				-- with its class; NULL: not known
	file TEXT,				-- source file
	line INTEGER				-- line that was being run; NULL: not known
);

-- Stacks.
CREATE TABLE frame(
	id INTEGER PRIMARY KEY,			-- order of arrival
	thread INTEGER NOT NULL,		-- thread.id
	depth INTEGER NOT NULL,			-- 0: the innermost
	kind TEXT,				-- python, native, interpreter (native: its own loop and the calls around it)
	function TEXT,				-- name of the function
	qualname TEXT,				-- with its class; NULL: not known
	file TEXT,				-- source file; NULL: not known
	library TEXT,				-- ELF file of a native frame
	line INTEGER,				-- line that was being run; NULL: not known
	column INTEGER,				-- column in that line; NULL: not known
	addr INTEGER,				-- address of the frame, pc of a native frame
	code INTEGER				-- object.addr of its code object
);

-- Local variables of Python frames.
CREATE TABLE local(
	id INTEGER PRIMARY KEY,			-- order of arrival
	thread INTEGER NOT NULL,		-- thread.id
	depth INTEGER NOT NULL,			-- frame.depth
	name TEXT,				-- of the variable
	addr INTEGER,				-- object.addr of what it holds; NULL: not bound
	text TEXT				-- a preview; NULL: look in value
);

-- What runs without a thread of its own: tasks of asyncio, also those that are done and kept, and greenlets.
CREATE TABLE task(
	addr INTEGER PRIMARY KEY,		-- object.addr
	kind TEXT NOT NULL,			-- asyncio, greenlet
	name TEXT,				-- by Task.get_name(); of a greenlet its type; NULL: before 3.8
	state TEXT NOT NULL,			-- pending, running, finished, failed, cancelled; suspended, not suspended
	loop INTEGER,				-- object.addr of the event loop
	thread INTEGER,				-- thread.id of the thread that runs the loop; NULL: none
	coro INTEGER,				-- object.addr of its coroutine; NULL: done
	waits TEXT,				-- what for, in words; NULL: for nothing
	waits_for INTEGER			-- object.addr of the future that it awaits
);

-- Stacks of tasks: the frame of a task's coroutine, of what that awaits, and so on.
CREATE TABLE task_frame(
	id INTEGER PRIMARY KEY,			-- order of arrival
	task INTEGER NOT NULL,			-- task.addr
	depth INTEGER NOT NULL,			-- 0: the innermost
	function TEXT,				-- name of the function
	qualname TEXT,				-- with its class; NULL: not known
	file TEXT,				-- source file
	line INTEGER,				-- line where it is suspended; NULL: not known
	addr INTEGER,				-- object.addr of the coroutine or generator; NULL: of a greenlet
	code INTEGER				-- object.addr of its code object
);

-- Which task waits for which: directly, or for a future that the other one will finish.
CREATE TABLE task_wait(
	id INTEGER PRIMARY KEY,			-- order of arrival
	task INTEGER NOT NULL,			-- task.addr of the one that waits
	awaited INTEGER NOT NULL		-- task.addr
);

-- Sums by some key, for dumps that have no objects.
CREATE TABLE census(
	id INTEGER PRIMARY KEY,			-- order of arrival
	series INTEGER NOT NULL,		-- which census of a file that holds several, from 0
	kind TEXT,				-- what the partition is by: type, module, ...
	name TEXT,				-- which one
	count INTEGER,				-- objects; NULL: not known
	bytes INTEGER				-- their size; NULL: not known
);

-- Figures over time, for recordings of a living process.
CREATE TABLE sample(
	id INTEGER PRIMARY KEY,			-- order of arrival
	pid INTEGER,				-- process; NULL: not known
	time REAL,				-- seconds since 1970
	name TEXT,				-- rss, pss, cpu, ...
	value INTEGER,				-- in units of unit
	unit TEXT				-- bytes, count, ...
);

-- Stretches of time that the program gave a name, for recordings of a living process.
CREATE TABLE mark(
	id INTEGER PRIMARY KEY,			-- order of arrival
	start REAL,				-- seconds since 1970
	end REAL,				-- seconds since 1970
	name TEXT,				-- of the function or block
	bytes_start INTEGER,			-- memory at its start; NULL: not known
	bytes_end INTEGER,			-- memory at its end; NULL: not known
	level INTEGER				-- how deep it is nested, from 0; NULL: not known
);

-- Where the fields of CPython's structures lie in this process, and who said so.
CREATE TABLE layout(
	field TEXT PRIMARY KEY,			-- 'PyListObject.ob_item'
	offset INTEGER,				-- bytes from the start of the structure; NULL: a member that is not there
	source TEXT,				-- table (of the version), debug offsets (_Py_DebugOffsets of the process),
						-- DWARF (of the files), probe (they differ, and memory shows who is right), absent
	disagrees TEXT				-- what other sources say; NULL: none does
) WITHOUT ROWID;

-- Use of allocators: one row a size class of pymalloc or mimalloc, and one a group of malloc's chunks that no object has, by size and by what
-- they begin with.
CREATE TABLE space(
	id INTEGER PRIMARY KEY,			-- order of arrival
	kind TEXT,				-- what it is
	size INTEGER,				-- bytes of one
	count INTEGER,				-- how many there are
	used INTEGER,				-- how many of these are in use
	bytes INTEGER				-- bytes of all
);

-- Stretches of memory that an allocator hands out pieces of: arenas of pymalloc, segments of mimalloc, heaps of malloc's arenas
-- (the main arena has one, the others one for each 64 MiB). In order of addresses within a kind.
CREATE TABLE arena(
	id INTEGER PRIMARY KEY,			-- order of arrival
	kind TEXT NOT NULL,			-- pymalloc, mimalloc, malloc
	number INTEGER,				-- malloc: its arena as malloc_info counts them, 0 is the main one
	start INTEGER,				-- first address
	bytes INTEGER,				-- all of it
	used INTEGER,				-- bytes in blocks or chunks that are in use; NULL: the dump does not have all
	used_count INTEGER,			-- how many these are
	free INTEGER,				-- bytes in free blocks of pools in use, in chunks in bins
	free_count INTEGER,			-- how many these are
	cached INTEGER,				-- malloc: bytes in chunks that are free and kept: fast bins, caches of threads
	cached_count INTEGER,			-- how many these are
	whole INTEGER,				-- bytes that are free as a whole: free pools, the top of a heap
	release INTEGER,			-- bytes that malloc_trim(0) would give back at once; pymalloc: of an empty arena
	last INTEGER				-- malloc: the last address that malloc gave and nobody freed
);

-- Memory of objects outside of themselves, as far as somebody will ask whose it is: 64 KiB and more, or in an arena or heap that is
-- mostly free.
CREATE TABLE part(
	addr INTEGER PRIMARY KEY,		-- where it begins
	bytes INTEGER,				-- how much
	owner INTEGER				-- object.addr of whose it is; NULL: native memory that several lead to, charged to none
);

-- Limits on the memory of the process that the dump tells of. It has none of its own: what is not told is not known.
CREATE TABLE memory_limit(
	id INTEGER PRIMARY KEY,			-- order of arrival
	source TEXT,				-- when it was captured, environment, command line, text of the kernel in memory
	name TEXT,				-- cgroup memory, RLIMIT_AS, a variable, an option
	of TEXT,				-- what is limited: resident, address space
	bytes INTEGER,				-- how much
	text TEXT				-- as it stood there, with its unit; NULL: a number of bytes
);

-- What rules found worth saying.
CREATE TABLE finding(
	id INTEGER PRIMARY KEY,			-- order of importance
	rule TEXT NOT NULL,			-- rule that fired
	title TEXT NOT NULL,			-- one line
	detail TEXT,				-- why, and what to do
	bytes INTEGER,				-- what it is about; NULL: not a matter of bytes
	addr INTEGER				-- object.addr to look at; NULL: none
);

-- The objects with the most bytes, so that nobody needs to sort all of them.
CREATE TABLE largest(
	by TEXT NOT NULL,			-- 'size': size and native; 'retained': retained
	rank INTEGER NOT NULL,			-- 1: the largest; 1000 of each are kept
	addr INTEGER NOT NULL,			-- object.addr
	bytes INTEGER NOT NULL,			-- the figure it is ranked by
	PRIMARY KEY(by, rank)
) WITHOUT ROWID;

-- What is there many times and could be there once, the 1000 with the most bytes of each kind.
CREATE TABLE duplicate(
	kind TEXT NOT NULL,			-- equal: values of an immutable type that are equal; same keys: dicts with the same keys in
						-- the same order, each in a table of its own
	rank INTEGER NOT NULL,			-- 1: the most bytes
	addr INTEGER NOT NULL,			-- object.addr of the first of them
	count INTEGER NOT NULL,			-- how many there are
	bytes INTEGER NOT NULL,			-- what all but one of them take; of dicts, what their tables take but for a word for each key
	PRIMARY KEY(kind, rank)
) WITHOUT ROWID;

-- What each object of largest by retained is the immediate dominator of, by type, but for what is itself in there.
CREATE TABLE dominated(
	addr INTEGER NOT NULL,			-- object.addr of the dominator
	type INTEGER NOT NULL,			-- type.id
	count INTEGER NOT NULL,			-- objects
	bytes INTEGER NOT NULL,			-- what these retain
	PRIMARY KEY(addr, type)
) WITHOUT ROWID;

-- Fixed names of references ('.__dict__'), used by packed references.
CREATE TABLE label(
	id INTEGER PRIMARY KEY,			-- number in packed references
	text TEXT NOT NULL			-- the name
);

-- Packed outgoing references: read them through the virtual table reference. analyzer/store/pack.h has the encoding.
CREATE TABLE pack_out(
	key INTEGER PRIMARY KEY,		-- id of the first object * 2^24 + part of a long list
	addr INTEGER,				-- address of the first object; NULL in further parts
	count INTEGER,				-- objects in data
	data BLOB				-- a page
);

-- Packed referrers: the same edges from the other end.
CREATE TABLE pack_in(
	key INTEGER PRIMARY KEY,		-- id of the first object * 2^24 + part of a long list
	count INTEGER,				-- objects in data
	data BLOB				-- a page
);

-- Packed instances of types: read them through the virtual table instance.
CREATE TABLE pack_instance(
	key INTEGER PRIMARY KEY,		-- type.id * 2^24 + part of a long list
	count INTEGER,				-- instances in data
	data BLOB				-- a page
);
