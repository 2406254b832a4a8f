/* SPDX-License-Identifier: MIT
 * Integers as people read them, in both directions: hex, devices, flags, names, addresses.
 */
#include "convert/json/value.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#define KERNEL_MINOR_BITS 20 /* dev_t inside the kernel, include/linux/kdev_t.h */

static void hex_to_json(struct json_out *out, uint64_t value)
{
	static const char digits[] = "0123456789abcdef";
	char text[18];
	size_t at = sizeof(text);
	do {
		text[--at] = digits[value & 15];
		value >>= 4;
	} while (value);
	text[--at] = 'x';
	text[--at] = '0';
	json_str_begin(out);
	json_raw(out, text + at, sizeof(text) - at);
	json_str_end(out);
}

static void flags_to_json(struct json_out *out, uint64_t value, const struct hint_value *names)
{
	uint64_t left = value;
	const char *separator = "";
	json_str_begin(out);
	for (; names->name; names++) {
		if (!(value & names->value))
			continue;
		json_raw(out, separator, strlen(separator));
		json_raw(out, names->name, strlen(names->name));
		separator = " | ";
		left &= ~names->value;
	}
	if (left) {
		char text[24];
		int len = snprintf(text, sizeof(text), "%s0x%" PRIx64, separator, left);
		json_raw(out, text, (size_t)len);
	}
	json_str_end(out);
}

static void dict_to_json(struct json_out *out, uint64_t value, const struct hint_value *names)
{
	for (; names->name; names++) {
		if (names->value == value) {
			json_str(out, names->name);
			return;
		}
	}
	json_u64(out, value);
}

void value_to_json(struct json_out *out, uint64_t value, const struct hint *hint)
{
	switch (hint ? (int)hint->kind : -1) {
	case HINT_HEX:
		hex_to_json(out, value);
		return;
	case HINT_DEV:
		json_strf(out, "%" PRIu64 ":%" PRIu64, value >> KERNEL_MINOR_BITS,
			  value & ((1u << KERNEL_MINOR_BITS) - 1));
		return;
	case HINT_ODEV:
		json_strf(out, "%u:%u", major(value), minor(value));
		return;
	case HINT_FLAGS:
		flags_to_json(out, value, hint->values);
		return;
	case HINT_DICT:
		dict_to_json(out, value, hint->values);
		return;
	default:
		json_u64(out, value);
	}
}

/* Digits of one base up to the end of [s, end). */
static int digits_from_text(const char *s, const char *end, unsigned base, uint64_t *value)
{
	uint64_t v = 0;
	if (s == end)
		return -EINVAL;
	for (; s < end; s++) {
		char c = *s >= 'A' && *s <= 'F' ? (char)(*s | 0x20) : *s;
		unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
				 : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
							: 16;
		if (digit >= base || __builtin_mul_overflow(v, (uint64_t)base, &v) ||
		    __builtin_add_overflow(v, (uint64_t)digit, &v))
			return -EINVAL;
	}
	*value = v;
	return 0;
}

static int number_from_text(const char *s, const char *end, uint64_t *value)
{
	if (end - s > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
		return digits_from_text(s + 2, end, 16, value);
	return digits_from_text(s, end, 10, value);
}

static int name_from_text(const char *s, const char *end, const struct hint_value *names,
			  uint64_t *value)
{
	size_t len = (size_t)(end - s);
	for (; names->name; names++) {
		if (!strncmp(names->name, s, len) && !names->name[len]) {
			*value = names->value;
			return 0;
		}
	}
	return -EINVAL;
}

static int flags_from_text(const char *text, const struct hint_value *names, uint64_t *value)
{
	uint64_t all = 0;
	const char *s = text;
	while (*s) {
		size_t len = strcspn(s, "|");
		const char *next = s + len, *end = next;
		while (s < end && *s == ' ')
			s++;
		while (end > s && end[-1] == ' ')
			end--;
		uint64_t one;
		if (name_from_text(s, end, names, &one) < 0 && number_from_text(s, end, &one) < 0)
			return -EINVAL;
		all |= one;
		s = *next ? next + 1 : next;
		if (*next && !*s)
			return -EINVAL;
	}
	*value = all;
	return 0;
}

static int device_from_text(const char *text, bool kernel, uint64_t *value)
{
	const char *colon = strchr(text, ':');
	uint64_t high, low;
	if (!colon || number_from_text(text, colon, &high) < 0 ||
	    number_from_text(colon + 1, text + strlen(text), &low) < 0)
		return -EINVAL;
	if (high > UINT32_MAX || low > UINT32_MAX ||
	    (kernel && low >= UINT64_C(1) << KERNEL_MINOR_BITS))
		return -EINVAL;
	*value = kernel ? high << KERNEL_MINOR_BITS | low : makedev((unsigned)high, (unsigned)low);
	return 0;
}

int value_from_text(const char *text, const struct hint *hint, uint64_t *value, bool *negative)
{
	const char *end = text + strlen(text);
	int rc = -EINVAL;
	*negative = false;
	if (hint && hint->kind == HINT_FLAGS)
		rc = flags_from_text(text, hint->values, value);
	else if (hint && hint->kind == HINT_DICT)
		rc = name_from_text(text, end, hint->values, value);
	else if (hint && (hint->kind == HINT_DEV || hint->kind == HINT_ODEV))
		rc = device_from_text(text, hint->kind == HINT_DEV, value);
	if (rc == 0)
		return 0;
	*negative = *text == '-';
	return number_from_text(text + *negative, end, value);
}

void address_to_json(struct json_out *out, const uint32_t *words, size_t nr)
{
	char text[INET6_ADDRSTRLEN];
	json_begin(out, '[');
	if (nr == 1 || nr == 4) {
		inet_ntop(nr == 1 ? AF_INET : AF_INET6, words, text, sizeof(text));
		json_str(out, text);
	} else {
		for (size_t i = 0; i < nr; i++)
			json_u64(out, words[i]);
	}
	json_end(out, ']');
}

int address_from_text(const char *text, uint32_t words[4])
{
	if (inet_pton(AF_INET, text, words) == 1)
		return 1;
	return inet_pton(AF_INET6, text, words) == 1 ? 4 : -EINVAL;
}
