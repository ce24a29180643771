/** How many redirects are followed; browsers follow 20, registries need 2 or 3. */
export const MAX_REDIRECTS = 10;

/** Bytes of all headers of one answer; signed locations are some KiB. */
export const MAX_HEADER_BYTES = 64 * 1024;

/** Milliseconds for the name, the connection, the proxy and TLS together. */
export const CONNECT_MS = 10_000;

/** Milliseconds from the request to the end of the answer's headers; a registry may look into slow storage first. */
export const HEADERS_MS = 30_000;

/** The same where a server checks what it was sent before it answers: 10 GB are hashed in less than a minute, and moved to slow storage in some. */
export const SLOW_HEADERS_MS = 10 * 60_000;

/** Bytes of a body that are handed to the connection at once, and the milliseconds that it may take to send them: 4 KiB/s. */
export const SEND_BYTES = 256 * 1024;
export const SEND_MS = 60_000;

/** Milliseconds without one byte of a body, while it is being read. */
export const BODY_IDLE_MS = 30_000;

/** A body must bring this many bytes in each `SLOW_WINDOW_MS` that its reader waits: 1 KiB/s, slower than any modem. */
export const SLOW_WINDOW_BYTES = 60 * 1024;
/** Milliseconds of waiting over which the speed is judged. */
export const SLOW_WINDOW_MS = 60_000;

/** How often a request that may be made again is sent at most. */
export const MAX_TRIES = 5;
/** The same for failures that seldom pass by themselves: nobody listens, no route, no answer. */
export const MAX_TRIES_UNLIKELY = 2;
/** Milliseconds before the second try; doubled for each further one. */
export const FIRST_WAIT_MS = 1000;
/** Milliseconds that are waited at most; a server that asks for more gets no further try. */
export const MAX_WAIT_MS = 60_000;

/** Requests that wait for an answer's headers, per origin. */
export const MAX_PENDING = 6;

/** Bytes of a `Warning` header's text that are passed on. */
export const MAX_WARNING_BYTES = 4096;
/** Different warnings that are told per client; a hostile server has no end of them. */
export const MAX_WARNINGS = 100;
