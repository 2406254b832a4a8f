/* SPDX-License-Identifier: MIT
 * Words in shared memory that processes wait for (futex(2)).
 */
#pragma once

#include <stdint.h>

/** Sleep while the word has that value, and no longer than asked for: whoever calls looks again. */
void futex_wait(uint32_t *word, uint32_t value, int timeout_ms);
/** Wake all who sleep there. */
void futex_wake(uint32_t *word);
/** Store a value, and all that was written before it, and wake who waits for that. */
void futex_set(uint32_t *word, uint32_t value);
