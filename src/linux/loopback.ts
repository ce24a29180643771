import { closeFd } from './at.ts';
import { bindCall, checked } from './libc.ts';

const socketCall = bindCall<number, [number, number, number]>(
  'int socket(int family, int type, int protocol)',
);
const ioctlCall = bindCall<number, [number, number, Buffer]>(
  'int ioctl(int fd, uint64_t request, void *value)',
);

const AF_INET = 2;
const SOCK_DGRAM_CLOEXEC = 0o2000002;
const SIOCSIFFLAGS = 0x8914;
const IFF_UP_RUNNING = 0x41;
/** struct ifreq: 16 bytes of name, then a union. */
const IFREQ_BYTES = 40;

/** Switches on `lo` of this process's network namespace: a new one has it switched off. @throws LINUX_CALL */
export function enableLoopback(): void {
  const fd = checked(socketCall(AF_INET, SOCK_DGRAM_CLOEXEC, 0), 'socket', 'the network');
  try {
    const request = Buffer.alloc(IFREQ_BYTES);
    request.write('lo', 0, 'latin1');
    request.writeUInt16LE(IFF_UP_RUNNING, 16);
    checked(ioctlCall(fd, SIOCSIFFLAGS, request), 'ioctl', 'lo');
  } finally {
    closeFd(fd);
  }
}
