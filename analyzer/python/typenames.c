/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of static types whose text is gone; see typenames.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "python/dict.h"
#include "python/str.h"
#include "python/typenames.h"
#include "python/visit.h"

/* Names in a module that are not what the type calls itself. To add one: a row. */
static const struct {
	const char *module, *key, *tp_name;
} aliases[] = {
	{"types", "FunctionType", "function"},
	{"types", "CodeType", "code"},
	{"types", "MappingProxyType", "mappingproxy"},
	{"types", "DictProxyType", "dictproxy"},
	{"types", "SimpleNamespace", "types.SimpleNamespace"},
	{"types", "CellType", "cell"},
	{"types", "GeneratorType", "generator"},
	{"types", "CoroutineType", "coroutine"},
	{"types", "AsyncGeneratorType", "async_generator"},
	{"types", "MethodType", "method"},
	{"types", "BuiltinFunctionType", "builtin_function_or_method"},
	{"types", "WrapperDescriptorType", "wrapper_descriptor"},
	{"types", "MethodWrapperType", "method-wrapper"},
	{"types", "MethodDescriptorType", "method_descriptor"},
	{"types", "ClassMethodDescriptorType", "classmethod_descriptor"},
	{"types", "ModuleType", "module"},
	{"types", "TracebackType", "traceback"},
	{"types", "FrameType", "frame"},
	{"types", "GetSetDescriptorType", "getset_descriptor"},
	{"types", "MemberDescriptorType", "member_descriptor"},
	{"types", "GenericAlias", "types.GenericAlias"},
	{"types", "UnionType", "types.UnionType"},
	{"types", "NoneType", "NoneType"},
	{"types", "NotImplementedType", "NotImplementedType"},
	{"types", "EllipsisType", "ellipsis"},
	{"types", "ClassType", "classobj"},
	{"types", "InstanceType", "instance"},
	{"types", "CapsuleType", "PyCapsule"},
	{"_types", "CapsuleType", "PyCapsule"},
	{"_weakref", "ref", "weakref"},
	{"_weakref", "ref", "weakref.ReferenceType"},
	{"_weakref", "ProxyType", "weakproxy"},
	{"_weakref", "ProxyType", "weakref.ProxyType"},
	{"_weakref", "CallableProxyType", "weakcallableproxy"},
	{"_weakref", "CallableProxyType", "weakref.CallableProxyType"},
};

/* What types called themselves until a micro release; the version is as in sys.hexversion, without its last byte. */
static const struct {
	const char *tp_name;
	unsigned int until;
} renamed[] = {
	{"weakref", 0x030a06},
	{"weakproxy", 0x030a06},
	{"weakcallableproxy", 0x030a06},
};

/* Objects whose type is not in any dictionary. */
static const struct {
	const char *module, *key, *tp_name;
} instances[] = {
	{"builtins", "None", "NoneType"},
	{"builtins", "NotImplemented", "NotImplementedType"},
	{"builtins", "Ellipsis", "ellipsis"},
	{"builtins", "print", "builtin_function_or_method"},
	{"builtins", "len", "builtin_function_or_method"},
	{"__builtin__", "None", "NoneType"},
	{"__builtin__", "len", "builtin_function_or_method"},
	{"sys", "flags", "sys.flags"},
	{"sys", "version_info", "sys.version_info"},
	{"sys", "hash_info", "sys.hash_info"},
	{"sys", "int_info", "sys.int_info"},
	{"sys", "float_info", "sys.float_info"},
	{"sys", "thread_info", "sys.thread_info"},
};

/* Attributes of the most basic types, whose own type has a name that is in no dictionary. */
static const struct {
	const char *type, *key, *tp_name;
} attributes[] = {
	{"object", "__init__", "wrapper_descriptor"},
	{"object", "__new__", "builtin_function_or_method"},
	{"object", "__class__", "getset_descriptor"},
	{"object", "__reduce_ex__", "method_descriptor"},
	{"type", "__base__", "member_descriptor"},
	{"dict", "fromkeys", "classmethod_descriptor"},
};

/* An attribute in the type's own dictionary that no other type has. */
static const struct {
	const char *key, *tp_name;
} fingerprints[] = {
	{"gi_frame", "generator"},	{"cr_frame", "coroutine"},	{"ag_frame", "async_generator"},
	{"co_consts", "code"},		{"f_back", "frame"},		{"tb_frame", "traceback"},
	{"cell_contents", "cell"},	{"__closure__", "function"},	{"func_closure", "function"},
	{"appendleft", "collections.deque"}, {"move_to_end", "collections.OrderedDict"},
	{"cache_clear", "functools._lru_cache_wrapper"}, {"c_contiguous", "memoryview"},
};

/* tp_flags that a built-in hands down: the type that has one and whose base has not is that built-in. */
static const struct {
	unsigned int bit;
	const char *name, *old_name;
} subclass_bits[] = {
	{23, NULL, "int"},   {24, "int", "long"},     {25, "list", "list"},  {26, "tuple", "tuple"},
	{27, "bytes", "str"}, {28, "str", "unicode"}, {29, "dict", "dict"}, {30, "BaseException", "BaseException"},
	{31, "type", "type"},
};

static bool is_known(const struct nec_target *t, const char *name)
{
	return nec_visitor_find(t, name) || nec_layout_ctype(&t->layout, name);
}

/* Is addr a static type whose name cannot be read? */
static bool is_nameless(const struct nec_target *t, uint64_t addr)
{
	uint64_t meta = nec_type_of(t, addr);

	return addr && !(addr & 7) && meta && (meta == t->type_type || nec_type_of(t, meta) == t->type_type) &&
	       nec_field(t, meta, NEC_F_TYPE_FLAGS) & NEC_TYPE_TYPE_SUBCLASS &&
	       nec_image_view(t->image, addr, nec_off(t, NEC_SIZEOF_TYPE)) &&
	       !(nec_field(t, addr, NEC_F_TYPE_FLAGS) & NEC_TYPE_HEAPTYPE) &&
	       !nec_image_cstr(t->image, nec_field(t, addr, NEC_F_TYPE_NAME), NEC_LIMIT_NAME);
}

static struct nec_typename *find(const struct nec_typenames *names, uint64_t addr, uint32_t *at_ret)
{
	uint32_t lo = 0, hi = names->count, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (names->names[mid].type < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (at_ret)
		*at_ret = lo;
	return lo < names->count && names->names[lo].type == addr ? &names->names[lo] : NULL;
}

/* Keeps a name; one that a visitor knows wins over one that none does, else the first. */
static struct nec_error *add(struct nec_typenames *names, const struct nec_target *t, uint64_t addr, const char *name)
{
	struct nec_typename *entry;
	bool known = is_known(t, name);
	char *copy;
	uint32_t at;

	entry = find(names, addr, &at);
	if (entry && (entry->known || !known))
		return NULL;
	copy = strdup(name);
	if (!copy)
		return &nec_enomem;
	if (entry) {
		free(entry->name);
		entry->name = copy;
		entry->known = true;
		return NULL;
	}
	if (names->count == names->capacity) {
		uint32_t capacity = names->capacity ? names->capacity * 2 : 256;
		struct nec_typename *grown = realloc(names->names, capacity * sizeof(*grown));

		if (!grown) {
			free(copy);
			return &nec_enomem;
		}
		names->names = grown;
		names->capacity = capacity;
	}
	memmove(names->names + at + 1, names->names + at, (names->count - at) * sizeof(*names->names));
	names->names[at] = (struct nec_typename){.type = addr, .name = copy, .known = known};
	names->count++;
	return NULL;
}

/* Is that no name of this version any more? */
static bool is_outdated(const struct nec_target *t, const char *tp_name)
{
	size_t i;

	for (i = 0; i < sizeof(renamed) / sizeof(renamed[0]); i++)
		if (!strcmp(renamed[i].tp_name, tp_name))
			return (t->major << 16 | t->minor << 8 | t->micro) >= renamed[i].until;
	return false;
}

/* One name in a module: what it may be called by tp_name. */
static struct nec_error *add_from_module(struct nec_typenames *names, const struct nec_target *t, const char *module,
					 const char *key, uint64_t value)
{
	char name[NEC_LIMIT_NAME];
	size_t i;

	for (i = 0; i < sizeof(instances) / sizeof(instances[0]); i++)
		if (!strcmp(instances[i].module, module) && !strcmp(instances[i].key, key) &&
		    is_nameless(t, nec_type_of(t, value)))
			NEC_TRY(add(names, t, nec_type_of(t, value), instances[i].tp_name));
	if (!is_nameless(t, value))
		return NULL;
	for (i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (!strcmp(aliases[i].module, module) && !strcmp(aliases[i].key, key) &&
		    !is_outdated(t, aliases[i].tp_name))
			NEC_TRY(add(names, t, value, aliases[i].tp_name));
	if (!strcmp(module, "builtins") || !strcmp(module, "__builtin__") || !strcmp(module, "_collections_abc"))
		return add(names, t, value, key);
	if (!strcmp(module, "types"))
		return NULL; /* FooType is what nobody calls it */
	snprintf(name, sizeof(name), "%s.%s", module, key);
	if (!is_known(t, name)) /* what _datetime defines calls itself datetime's */
		snprintf(name, sizeof(name), "%s.%s", module[0] == '_' && module[1] != '_' ? module + 1 : module, key);
	return add(names, t, value, name);
}

static struct nec_error *add_module(struct nec_typenames *names, const struct nec_target *t, uint64_t module_name,
				    uint64_t module)
{
	_cleanup_free_ char *name = nec_str_dup(t, module_name, NEC_LIMIT_NAME);
	uint64_t key, value, dict_addr = nec_field(t, module, NEC_F_MODULE_DICT);
	struct nec_dict dict;

	if (!name || !dict_addr || !nec_dict_read(t, dict_addr, &dict))
		return NULL;
	/* The type of a module is what sys.modules holds. */
	if (is_nameless(t, nec_type_of(t, module)))
		NEC_TRY(add(names, t, nec_type_of(t, module), "module"));
	while (nec_dict_next(&dict, &key, &value)) {
		_cleanup_free_ char *text = NULL;

		if (!is_nameless(t, value) && !is_nameless(t, nec_type_of(t, value)))
			continue;
		text = nec_str_dup(t, key, NEC_LIMIT_NAME);
		if (text)
			NEC_TRY(add_from_module(names, t, name, text, value));
	}
	return NULL;
}

/* What a type's bases, flags and own attributes tell. */
static struct nec_error *add_by_shape(struct nec_typenames *names, const struct nec_target *t, uint64_t type)
{
	uint64_t flags = nec_field(t, type, NEC_F_TYPE_FLAGS), base = nec_field(t, type, NEC_F_TYPE_BASE), dict;
	uint64_t base_flags = base ? nec_field(t, base, NEC_F_TYPE_FLAGS) : 0;
	bool old = t->layout.traits.old_classes;
	size_t i;

	if (!is_nameless(t, type))
		return NULL;
	if (type == t->object_type)
		return add(names, t, type, "object");
	for (i = 0; i < sizeof(subclass_bits) / sizeof(subclass_bits[0]); i++) {
		const char *name = old ? subclass_bits[i].old_name : subclass_bits[i].name;

		if (name && (flags & ~base_flags) >> subclass_bits[i].bit & 1)
			return add(names, t, type, name);
	}
	dict = nec_type_dict(t, type);
	for (i = 0; i < sizeof(fingerprints) / sizeof(fingerprints[0]); i++)
		if (nec_dict_find(t, dict, fingerprints[i].key) && is_known(t, fingerprints[i].tp_name))
			return add(names, t, type, fingerprints[i].tp_name);
	return NULL;
}

/* Static types lie in static data: each word there that is PyType_Type may be the type of one. */
static struct nec_error *add_static_data(struct nec_typenames *names, const struct nec_target *t)
{
	uint64_t addr, v, off = nec_off(t, NEC_F_OBJECT_TYPE);

	for (addr = t->data_start; addr + 8 <= t->data_end; addr += 8) {
		if (!nec_image_u64(t->image, addr, &v)) {
			addr = nec_image_next_page(t->image, addr) - 8;
			continue;
		}
		if (v == t->type_type)
			NEC_TRY(add_by_shape(names, t, addr - off));
	}
	return NULL;
}

/* Types of what the dictionaries of object, type and dict hold. */
static struct nec_error *add_attributes(struct nec_typenames *names, const struct nec_target *t)
{
	uint32_t n;
	size_t i;

	for (i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
		for (n = 0; n < names->count && strcmp(names->names[n].name, attributes[i].type); n++)
			;
		if (n < names->count) {
			uint64_t dict = nec_type_dict(t, names->names[n].type);
			uint64_t type = nec_type_of(t, nec_dict_find(t, dict, attributes[i].key));

			if (is_nameless(t, type))
				NEC_TRY(add(names, t, type, attributes[i].tp_name));
		}
	}
	return NULL;
}

struct nec_error *nec_typenames_init(struct nec_typenames *names, const struct nec_target *t)
{
	uint64_t key, value;
	struct nec_dict modules;

	*names = (struct nec_typenames){.count = 0};
	if (!is_nameless(t, t->type_type))
		return NULL;
	NEC_TRY(add_static_data(names, t));
	NEC_TRY(add_attributes(names, t));
	if (!t->interpreter_count || !nec_dict_read(t, nec_field(t, t->interpreters[0], NEC_F_INTERP_MODULES), &modules))
		return NULL;
	/* The built-ins first: what they are called there is what they are called. */
	while (nec_dict_next(&modules, &key, &value))
		if (nec_str_equals(t, key, "builtins") || nec_str_equals(t, key, "__builtin__"))
			NEC_TRY(add_module(names, t, key, value));
	modules.next = 0;
	while (nec_dict_next(&modules, &key, &value))
		NEC_TRY(add_module(names, t, key, value));
	return NULL;
}

void nec_typenames_deinit(struct nec_typenames *names)
{
	uint32_t i;

	for (i = 0; i < names->count; i++)
		free(names->names[i].name);
	free(names->names);
	*names = (struct nec_typenames){0};
}

const char *nec_typenames_get(const struct nec_typenames *names, uint64_t addr)
{
	const struct nec_typename *entry = find(names, addr, NULL);

	return entry ? entry->name : NULL;
}
