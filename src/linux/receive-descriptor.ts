/**
 * Descriptors that another process sends over a unix socket (unix(7), SCM_RIGHTS).
 * @module
 */
import { closeSync } from 'node:fs';
import { addressOf, bindCall, checked, cPath, lastErrno, linuxError } from './libc.ts';

const socketCall = bindCall<number, [number, number, number]>(
  'int socket(int domain, int type, int protocol)',
);
const bindAddressCall = bindCall<number, [number, Buffer, number]>(
  'int bind(int fd, const void *address, uint32_t size)',
);
const listenCall = bindCall<number, [number, number]>('int listen(int fd, int backlog)');
const acceptCall = bindCall<number, [number, null, null, number]>(
  'int accept4(int fd, void *address, void *size, int flags)',
);

const recvmsgCall = bindCall<number, [number, Buffer, number]>(
  'int64_t recvmsg(int fd, void *message, int flags)',
);

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0x800;
const SOCK_CLOEXEC = 0x80000;
/** With the final zero byte. */
const MAX_SOCKET_PATH_BYTES = 108;
const MSG_DONTWAIT = 0x40;
const MSG_CMSG_CLOEXEC = 0x40000000;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;

/** struct msghdr, iovec and cmsghdr of 64-bit Linux, and where their fields lie. */
const MESSAGE = { bytes: 56, vector: 16, vectors: 24, control: 32, controlBytes: 40 } as const;
const VECTOR = { bytes: 16, base: 0, length: 8 } as const;
const CONTROL = { bytes: 24, length: 0, level: 8, type: 12, data: 16 } as const;
/** What is sent with the descriptor says what it is for; nobody here asks. */
const TEXT_BYTES = 4096;

/** A socket that listens at a path of at most 107 bytes; the caller's to close. Nothing waits for it: `acceptFrom` says what has come. @throws LINUX_CALL */
export function listenAt(path: string): number {
  const name = Buffer.from(cPath(path));
  if (name.length >= MAX_SOCKET_PATH_BYTES)
    throw linuxError('LINUX_CALL', { call: 'bind', code: 'ENAMETOOLONG', what: path });
  const address = Buffer.alloc(2 + MAX_SOCKET_PATH_BYTES);
  address.writeUInt16LE(AF_UNIX, 0);
  name.copy(address, 2);
  const fd = checked(socketCall(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), 'socket', path);
  try {
    checked(bindAddressCall(fd, address, address.length), 'bind', path);
    checked(listenCall(fd, 1), 'listen', path);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** The next connection at a listening socket, the caller's to close; 'later' if there is none yet. @throws LINUX_CALL */
export function acceptFrom(listener: number): number | 'later' {
  const fd = acceptCall(listener, null, null, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0 && lastErrno() === 'EAGAIN') return 'later';
  return checked(fd, 'accept', `socket ${listener}`);
}

/** The descriptor that the next message at a connected socket brings, closed on exec: 'later' if none has come yet, undefined if it brings none. More than one are closed again. @throws LINUX_CALL */
export function receiveDescriptor(socket: number): number | 'later' | undefined {
  const text = Buffer.alloc(TEXT_BYTES);
  const vector = Buffer.alloc(VECTOR.bytes);
  vector.writeBigUInt64LE(addressOf(text), VECTOR.base);
  vector.writeBigUInt64LE(BigInt(text.length), VECTOR.length);
  const control = Buffer.alloc(CONTROL.bytes);
  const message = Buffer.alloc(MESSAGE.bytes);
  message.writeBigUInt64LE(addressOf(vector), MESSAGE.vector);
  message.writeBigUInt64LE(1n, MESSAGE.vectors);
  message.writeBigUInt64LE(addressOf(control), MESSAGE.control);
  message.writeBigUInt64LE(BigInt(control.length), MESSAGE.controlBytes);
  const got = recvmsgCall(socket, message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (got < 0 && lastErrno() === 'EAGAIN') return 'later';
  checked(got, 'recvmsg', `socket ${socket}`);
  const isDescriptor =
    message.readBigUInt64LE(MESSAGE.controlBytes) >= BigInt(CONTROL.data + 4) &&
    control.readInt32LE(CONTROL.level) === SOL_SOCKET &&
    control.readInt32LE(CONTROL.type) === SCM_RIGHTS;
  return isDescriptor ? control.readInt32LE(CONTROL.data) : undefined;
}
