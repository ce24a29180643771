/**
 * Pseudo terminals (pty(7)): a pair of descriptors, of which one is a program's terminal and the other what sees and types.
 * @module
 */
import { closeSync, constants, openSync } from 'node:fs';
import { bindCall, checked } from './libc.ts';

const ioctlNumberCall = bindCall<number, [number, number, number]>(
  'int ioctl(int fd, uint64_t request, intptr_t value)',
);
const ioctlCall = bindCall<number, [number, number, Buffer]>(
  'int ioctl(int fd, uint64_t request, void *value)',
);
const setsidCall = bindCall<number, []>('int setsid()');

const TCGETS = 0x5401;
const TCSETS = 0x5402;
/** struct termios of the kernel: four words of flags, the second for output, a line discipline and 19 characters. */
const TERMIOS_BYTES = 36;
const OPOST = 1;
const TIOCSCTTY = 0x540e;
const TIOCGWINSZ = 0x5413;
const TIOCSWINSZ = 0x5414;
const TIOCGPTPEER = 0x5441;
const TIOCSPTLCK = 0x40045431;
const O_CLOEXEC = 0o2000000;
const OPEN = constants.O_RDWR | constants.O_NOCTTY;

/** Columns and rows of characters. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** A new pseudo terminal, both ends open and closed on exec. @throws LINUX_CALL, ENOENT where there is no /dev/ptmx */
export function openTerminal(size: TerminalSize): { readonly master: number; readonly slave: number } {
  const master = openSync('/dev/ptmx', OPEN);
  try {
    checked(ioctlCall(master, TIOCSPTLCK, Buffer.alloc(4)), 'ioctl', 'a new terminal');
    resizeTerminal(master, size);
    // By the descriptor, not by its name: that may mean another one in this mount namespace.
    const slave = checked(ioctlNumberCall(master, TIOCGPTPEER, OPEN | O_CLOEXEC), 'ioctl', 'a new terminal');
    return { master, slave };
  } catch (error) {
    closeSync(master);
    throw error;
  }
}

/** Changes the size; the programs in the terminal's foreground hear SIGWINCH. */
export function resizeTerminal(fd: number, { columns, rows }: TerminalSize): void {
  const size = Buffer.alloc(8);
  size.writeUInt16LE(rows, 0);
  size.writeUInt16LE(columns, 2);
  checked(ioctlCall(fd, TIOCSWINSZ, size), 'ioctl', `terminal ${fd}`);
}

/** The size of a terminal. @throws LINUX_CALL for what is none */
export function terminalSize(fd: number): TerminalSize {
  const size = Buffer.alloc(8);
  checked(ioctlCall(fd, TIOCGWINSZ, size), 'ioctl', `terminal ${fd}`);
  return { rows: size.readUInt16LE(0), columns: size.readUInt16LE(2) };
}

/** Makes this process the leader of a new session, and the terminal at `fd` the one that controls it. @throws LINUX_CALL if that is another's already */
export function controlTerminal(fd: number): void {
  // One that leads a session already cannot make another, and need not.
  setsidCall();
  checked(ioctlNumberCall(fd, TIOCSCTTY, 0), 'ioctl', `terminal ${fd}`);
}

/** Has a terminal show bytes as they come: Node's raw mode still makes two of every new line. Undone with that mode. */
export function showAsItComes(fd: number): void {
  const modes = Buffer.alloc(2 * TERMIOS_BYTES);
  checked(ioctlCall(fd, TCGETS, modes), 'ioctl', `terminal ${fd}`);
  modes.writeUInt32LE((modes.readUInt32LE(4) & ~OPOST) >>> 0, 4);
  checked(ioctlCall(fd, TCSETS, modes), 'ioctl', `terminal ${fd}`);
}
