/* The limit: one send(2) for each client, from C. The handshake is answered without a look at what was asked. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MOST 20000
#define WELCOME "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"

static int clients[MOST], count;

static size_t frame(char *wire, const char *kind) {
    const char *data = strcmp(kind, "system_metrics") == 0
        ? "{\"cpu_percent\":12.5,\"memory_percent\":34.5,\"disk_percent\":56.5,\"active_scripts\":3,"
          "\"total_executions\":4711}"
        : "{\"script_name\":\"backup\",\"status\":\"completed\",\"exit_code\":0,\"duration\":1500}";
    struct timespec now;
    char stamp[32];
    clock_gettime(CLOCK_REALTIME, &now);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", gmtime(&now.tv_sec));
    int size = sprintf(wire + 4, "{\"type\":\"%s\",\"timestamp\":\"%s.%03ldZ\",\"data\":%s}", kind, stamp,
                       now.tv_nsec / 1000000, data);
    wire[0] = (char)0x81, wire[1] = 126, wire[2] = (char)(size >> 8), wire[3] = (char)size;
    return (size_t)size + 4;
}

static void obey(const char *order) {
    char kind[32], wire[1024];
    int messages;
    double interval;
    struct timespec next;
    if (sscanf(order, "%31s %d %lf", kind, &messages, &interval) != 3) exit(2);
    clock_gettime(CLOCK_MONOTONIC, &next);
    for (int message = 0; message < messages; message++) {
        size_t size = frame(wire, kind);
        for (int number = 0; number < count; number++)
            if (send(clients[number], wire, size, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)size) exit(3);
        long step = next.tv_nsec + (long)(interval * 1e9);
        next.tv_sec += step / 1000000000, next.tv_nsec = step % 1000000000;
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
    }
    puts("done");
}

int main(void) {
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    int listener = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    if (bind(listener, (struct sockaddr *)&address, length) || listen(listener, 4096)) return 1;
    getsockname(listener, (struct sockaddr *)&address, &length);
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("%d\n", ntohs(address.sin_port));
    struct pollfd both[] = {{.fd = listener, .events = POLLIN}, {.fd = 0, .events = POLLIN}};
    char buffer[4096];
    while (poll(both, 2, -1) > 0) {
        if (both[0].revents && count < MOST) {
            int client = accept(listener, NULL, NULL);
            setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
            if (read(client, buffer, sizeof buffer) > 0 && write(client, WELCOME, sizeof WELCOME - 1) > 0)
                clients[count++] = client;
        }
        if (both[1].revents) {
            ssize_t size = read(0, buffer, sizeof buffer - 1);
            if (size <= 0) return 0;
            buffer[size] = 0;
            obey(buffer);
        }
    }
    return 0;
}
