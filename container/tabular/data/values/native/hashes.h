/* A hash of a text, which is cheap: it takes eight bytes at a time. Equal texts have equal hashes. */

#ifndef HASHES_H
#define HASHES_H

#include <stdint.h>
#include <string.h>

#define MIXER 0x9E3779B97F4A7C15ULL /* an odd number without a pattern */

static inline uint64_t mixed(uint64_t hash, uint64_t more)
{
    hash = (hash ^ more) * MIXER;
    return hash ^ hash >> 32;
}

static inline uint64_t eight_bytes(const char *text)
{
    uint64_t bytes;
    memcpy(&bytes, text, 8);
    return bytes;
}

static inline uint64_t four_bytes(const char *text)
{
    uint32_t bytes;
    memcpy(&bytes, text, 4);
    return bytes;
}

static inline uint64_t hash_of(const char *text, int64_t length)
{
    uint64_t hash = mixed(MIXER, (uint64_t)length), last = 0;
    const char *end = text + length;
    if (length >= 8) {
        for (; end - text > 8; text += 8)
            hash = mixed(hash, eight_bytes(text));
        last = eight_bytes(end - 8); /* with some of the bytes before, if fewer are left */
    } else if (length >= 4)
        last = four_bytes(text) | four_bytes(end - 4) << 32;
    else if (length > 0)
        last = (uint64_t)(unsigned char)text[0] | (uint64_t)(unsigned char)text[length / 2] << 8
            | (uint64_t)(unsigned char)end[-1] << 16;
    return mixed(mixed(hash, last), 0); /* or the last bytes would not reach the lowest bits */
}

#endif
