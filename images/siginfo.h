/* SPDX-License-Identifier: MIT
 * Who sent a signal, inside the siginfo of any machine.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct siginfo_sender {
	uint32_t pid, uid;
};

/**
 * @param mtype  core_entry.mtype
 * @return false when no process sent it
 */
bool siginfo_sender(const uint8_t *bytes, size_t len, uint32_t mtype, struct siginfo_sender *out);
/** Only for one that has a sender. */
void siginfo_set_sender(uint8_t *bytes, size_t len, uint32_t mtype,
			const struct siginfo_sender *sender);

/** A 32-bit word in the byte order of a machine. */
uint32_t machine_word(const uint8_t *bytes, uint32_t mtype);
void machine_set_word(uint8_t *bytes, uint32_t mtype, uint32_t value);
