import { closeSync, constants, openSync } from 'node:fs';
import { fsPath } from '../base/names.ts';
import { acceptFrom, listenAt, receiveDescriptor } from '../linux/receive-descriptor.ts';

/** Where a runtime sends the terminal that it has made for a program (`--console-socket` of runc and crun). */
export interface ConsoleSocket {
  /** Of the socket, for a runtime that sees this process's descriptors. */
  readonly path: string;
  /** A descriptor of its folder, for one that does not. */
  readonly folder: number;
  /** The terminal's end that sees and types, the caller's to close; undefined if none has come before this is closed. */
  readonly terminal: Promise<number | undefined>;
  close(): void;
}

/** Between two looks whether the terminal has come, in milliseconds: a runtime takes 10 to send it. */
const LOOK_EVERY_MS = 1;

/**
 * A console socket in the folder. crun 1.8 copies between a terminal of its own and its streams, and leaves out what a program printed last when that ends at once (8 of 100 on a busy machine); with the terminal
 * here nothing is copied on the way.
 */
export function openConsole(folder: string): ConsoleSocket {
  // A socket's name has 107 bytes at most, a store's folder more.
  const place = openSync(fsPath(folder), constants.O_RDONLY | constants.O_DIRECTORY);
  const path = `/proc/${process.pid}/fd/${place}/console`;
  let settle: (terminal: number | undefined) => void = () => {};
  const terminal = new Promise<number | undefined>((resolve) => {
    settle = resolve;
  });
  let listener: number;
  try {
    listener = listenAt(path);
  } catch (error) {
    closeSync(place);
    throw error;
  }
  const open = [place, listener];
  let connection: number | undefined;
  const end = (got: number | undefined): void => {
    clearInterval(timer);
    for (const fd of open.splice(0)) closeSync(fd);
    settle(got);
  };
  const look = (): void => {
    try {
      if (connection === undefined) {
        const accepted = acceptFrom(listener);
        if (accepted === 'later') return;
        connection = accepted;
        open.push(connection);
      }
      const got = receiveDescriptor(connection);
      if (got !== 'later') end(got);
    } catch {
      end(undefined);
    }
  };
  const timer = setInterval(look, LOOK_EVERY_MS);
  return {
    path,
    folder: place,
    terminal,
    close() {
      // A runtime may have sent it and gone since the last look.
      if (open.length > 0) look();
      if (open.length > 0) end(undefined);
    },
  };
}
