/* The broker's own ceiling: one subscriber that does nothing but acknowledge.

   fan_in HOST PORT COUNTER-FILE; user and password in FAN_IN_USER and FAN_IN_PASSWORD. MQTT 3.1.1, QoS 1, PUBACK for each
   message, one write for each read. The number of messages stands in the file, eight bytes in the machine's order. It ends
   with the connection. */

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static uint8_t in[1 << 20], out[1 << 18];

static void die(const char *what) { perror(what); exit(1); }

static void send_all(int fd, const uint8_t *data, size_t length) {
    while (length) {
        ssize_t done = write(fd, data, length);
        if (done <= 0) die("write");
        data += done, length -= (size_t)done;
    }
}

static uint8_t *put(uint8_t *at, const char *word) {
    size_t length = strlen(word);
    *at++ = (uint8_t)(length >> 8), *at++ = (uint8_t)length;
    memcpy(at, word, length);
    return at + length;
}

static void packet(int fd, uint8_t first, const uint8_t *body, size_t length) {
    uint8_t head[3] = {first, (uint8_t)((length & 127) | 128), (uint8_t)(length >> 7)};
    send_all(fd, head, 3);
    send_all(fd, body, length);
}

static void greet(int fd) {
    uint8_t body[512] = {0, 4, 'M', 'Q', 'T', 'T', 4, 0xc2, 0, 0}, *end = body + 10;
    end = put(end, "bench-fan-in"), end = put(end, getenv("FAN_IN_USER")), end = put(end, getenv("FAN_IN_PASSWORD"));
    packet(fd, 0x10, body, (size_t)(end - body));
    uint8_t filter[64] = {0, 1}, *last = put(filter + 2, "wg/1/+/+/up");
    *last++ = 1;
    packet(fd, 0x82, filter, (size_t)(last - filter));
}

/* Length of the packet at `at`, and where its body begins; 0 while it is not all here. */
static size_t whole(const uint8_t *at, const uint8_t *end, const uint8_t **body) {
    size_t length = 0, shift = 0;
    for (const uint8_t *p = at + 1; p < end && shift < 28; shift += 7) {
        length |= (size_t)(*p & 127) << shift;
        if (!(*p++ & 128)) {
            *body = p;
            return (size_t)(end - p) >= length ? (size_t)(p - at) + length : 0;
        }
    }
    return 0;
}

int main(int argc, char **argv) {
    if (argc != 4 || !getenv("FAN_IN_USER") || !getenv("FAN_IN_PASSWORD")) return fprintf(stderr, "fan_in HOST PORT FILE\n"), 2;
    int file = open(argv[3], O_RDWR | O_CREAT, 0600), fd = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    if (file < 0 || ftruncate(file, 8)) die(argv[3]);
    volatile uint64_t *count = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (count == MAP_FAILED) die("mmap");
    struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[2]))};
    inet_pton(AF_INET, argv[1], &there.sin_addr);
    if (connect(fd, (struct sockaddr *)&there, sizeof there)) die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    greet(fd);
    size_t held = 0;
    for (ssize_t got; (got = read(fd, in + held, sizeof in - held)) > 0;) {
        const uint8_t *at = in, *end = in + held + got, *body;
        size_t length, acknowledged = 0;
        while (end - at >= 2 && (length = whole(at, end, &body))) {
            if (*at >> 4 == 2 && body[1]) return fprintf(stderr, "refused: %d\n", body[1]), 1;
            if (*at >> 4 == 9) puts("subscribed"), fflush(stdout);
            if (*at >> 4 == 3) {
                const uint8_t *id = body + 2 + (body[0] << 8 | body[1]);
                const uint8_t ack[4] = {0x40, 2, id[0], id[1]};
                memcpy(out + acknowledged, ack, 4), acknowledged += 4;
                ++*count;
            }
            at += length;
        }
        if (acknowledged) send_all(fd, out, acknowledged);
        held = (size_t)(end - at);
        memmove(in, at, held);
    }
    return 0;
}
